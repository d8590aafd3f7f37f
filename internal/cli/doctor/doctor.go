// Package doctor checks the setup of chat and explains problems. It changes nothing.
package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/charmbracelet/x/term"
	"golang.org/x/sys/unix"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/local"
	"chat/internal/cli/connect"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

// Checker checks the setup.
type Checker struct{ *connect.Connector }

// New returns a checker.
func New(server *connect.Connector) *Checker { return &Checker{server} }

// Check returns the findings for the server at host, or for the default server if host
// is "".
func (p *Checker) Check(ctx context.Context, host string) []Finding {
	found := []Finding{good("version", "chat %s, %s, %s/%s", daemon.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)}
	paths, err := local.FindPaths(p.Lookup)
	if err != nil {
		found = append(found, wrong("directories", err))
	} else {
		found = append(found, checkDirectories(paths)...)
		found = append(found, checkSettings(paths)...)
	}
	found = append(found, p.server(ctx, host, err == nil)...)
	return append(found, p.screen()...)
}

// Finding is the result of one check. Code is the error code, or "" without an error. A
// warning is not an error.
type Finding struct {
	What    string    `json:"what"`
	Says    string    `json:"says"`
	Warning bool      `json:"warning,omitempty"`
	Skipped bool      `json:"skipped,omitempty"` // it was not checked
	Code    chat.Code `json:"code,omitempty"`
}

func good(what, format string, args ...any) Finding {
	return Finding{What: what, Says: fmt.Sprintf(format, args...)}
}

func warning(what, format string, args ...any) Finding {
	return Finding{What: what, Says: fmt.Sprintf(format, args...), Warning: true}
}

func skipped(what, format string, args ...any) Finding {
	return Finding{What: what, Says: fmt.Sprintf(format, args...), Skipped: true}
}

func wrong(what string, err error) Finding {
	return Finding{What: what, Says: err.Error(), Code: chat.CodeOf(err)}
}

// minFreeSpace is the free space, in bytes, below which a warning is due.
const minFreeSpace = 100 << 20

// checkDirectories checks, without writing, whether the directories are writable.
func checkDirectories(paths local.Paths) []Finding {
	var found []Finding
	for _, d := range []struct{ what, path, variable string }{
		{"data", paths.Data, "XDG_DATA_HOME"}, {"state", paths.State, "XDG_STATE_HOME"}, {"config", paths.Config, "XDG_CONFIG_HOME"},
	} {
		at := nearestExisting(d.path)
		if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
			found = append(found, wrong(d.what, chat.Errorf(chat.CodeDaemon, "cannot write to %s (%w): make it writable, or set %s to a writable directory", d.path, err, d.variable)))
			continue
		}
		var s unix.Statfs_t
		if err := unix.Statfs(at, &s); err == nil && uint64(s.Bavail)*uint64(s.Bsize) < minFreeSpace { //nolint:unconvert // the types differ between systems
			found = append(found, warning(d.what, "%s: the disk is nearly full", d.path))
			continue
		}
		found = append(found, good(d.what, "%s", d.path))
	}
	return found
}

// nearestExisting returns path, or its nearest ancestor that exists.
func nearestExisting(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func checkSettings(paths local.Paths) []Finding {
	f, err := settings.Read(paths.ConfigFile())
	if err != nil {
		return []Finding{wrong("settings", err)}
	}
	problems, err := f.Problems()
	if err != nil {
		return []Finding{wrong("settings", err)}
	}
	var found []Finding
	switch {
	case len(problems) > 0:
		found = append(found, wrong("settings", chat.Errorf(chat.CodeInvalid, "%s", strings.Join(problems, "; "))))
	case f.Empty():
		found = append(found, good("settings", "none in a file (chat config set adds one)"))
	default:
		found = append(found, good("settings", "%s in %s", output.Plural(f.Count(), "setting"), f.Path))
	}
	for _, what := range f.ExposedSecrets(paths) {
		found = append(found, wrong("secrets", chat.Errorf(chat.CodeInvalid, "%s", what)))
	}
	return found
}

// server checks the daemon and its provider.
func (p *Checker) server(ctx context.Context, host string, home bool) []Finding {
	if host := cmp.Or(host, p.Env("CHAT_HOST")); host != "" {
		return p.serverAt(ctx, host)
	}
	if !home {
		return []Finding{skipped("provider", "not checked: the directories are unknown")}
	}
	f, running := p.daemonFinding(ctx)
	if !running {
		if f.Code != "" {
			return []Finding{f, skipped("provider", "not checked: the daemon does not work")}
		}
		return append([]Finding{f}, p.provider(ctx, nil)...)
	}
	s, err := p.Starter()
	var at client.Endpoint
	if err == nil {
		at, err = s.Find(ctx)
	}
	if err != nil {
		return []Finding{f, wrong("server", err)}
	}
	return append([]Finding{f}, p.provider(ctx, &at)...)
}

// serverAt checks a server other than the local daemon.
func (p *Checker) serverAt(ctx context.Context, host string) []Finding {
	at, err := connect.ParseHost(host, p.Env("CHAT_TOKEN"))
	if err != nil {
		return []Finding{wrong("server", err)}
	}
	cl := client.New(client.At(at), client.Options{})
	defer cl.Close()
	h, err := cl.Hello(ctx)
	if err != nil {
		return []Finding{wrong("server", err), skipped("provider", "not checked: the server does not answer")}
	}
	if !connect.ProtocolRange().Overlaps(h.Protocol) {
		return []Finding{wrong("server", chat.Errorf(chat.CodeIncompatible, "%s supports protocol %d to %d, but this chat supports %d to %d", at, h.Protocol.Min, h.Protocol.Max, daemon.ProtocolMin, daemon.ProtocolMax))}
	}
	found := []Finding{good("server", "%s, version %s", at, h.Version)}
	if at.Network == "unix" && p.Env("OPENAI_API_KEY")+p.Env("OPENAI_BASE_URL") != "" {
		found = append(found, good("provider", "%s, for your own messages", p.shellProvider()))
	} else {
		found = append(found, skipped("provider", "not checked: only the server knows its settings"))
	}
	return append(found, p.serverModels(ctx, at))
}

// daemonFinding checks the local daemon, and reports whether it answers.
func (p *Checker) daemonFinding(ctx context.Context) (Finding, bool) {
	s, err := p.Starter()
	if err != nil {
		return wrong("daemon", err), false
	}
	st, err := s.Status(ctx)
	switch {
	case err != nil:
		return wrong("daemon", err), false
	case !st.Running:
		return good("daemon", "not running (chat starts it when needed)"), false
	case !st.Healthy:
		return wrong("daemon", chat.Errorf(chat.CodeDaemon, "process %d: %s; see %s, or end it with chat daemon stop --force", st.PID, st.Problem, s.Paths.Log())), false
	case st.Hello.Version != daemon.Version:
		return warning("daemon", "process %d runs version %s, but this is %s: run chat daemon restart", st.PID, st.Hello.Version, daemon.Version), true
	}
	return good("daemon", "process %d, %s", st.PID, st.Info.Socket), true
}

// screen checks the terminal.
func (p *Checker) screen() []Finding {
	var found []Finding
	locale := cmp.Or(p.Env("LC_ALL"), p.Env("LC_CTYPE"), p.Env("LANG"))
	if upper := strings.ToUpper(locale); !strings.Contains(upper, "UTF-8") && !strings.Contains(upper, "UTF8") {
		found = append(found, warning("locale", "%q is not UTF-8: characters may be displayed incorrectly; set LANG, for example to C.UTF-8", locale))
	}
	width, height, err := term.GetSize(p.Out.Fd())
	switch name := p.Env("TERM"); {
	case err != nil || !term.IsTerminal(p.Out.Fd()):
		return append(found, good("terminal", "stdout is not a terminal, so chat works like chat send"))
	case name == "" || name == "dumb":
		return append(found, warning("terminal", "TERM=%s: the screen cannot be shown; chat uses plain lines instead (chat --plain-ui)", name))
	default:
		colours := map[output.Palette]string{output.NoColor: "no colours", output.BoldOnly: "bold, but no colours (NO_COLOR)", output.FullColor: "colours"}[p.Colors(p.Out.Fd())]
		return append(found, good("terminal", "%s, %d×%d, %s", name, width, height, colours))
	}
}
