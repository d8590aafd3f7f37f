package main

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
	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/local"
)

func (p *program) doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "check the setup and explain problems", ArgsUsage: noArguments,
		Description: `Looks at the directories, the settings, the daemon, the provider and the terminal, and
changes nothing. It does not start a daemon: where none is running, the provider is asked
as one would. Settings are named with where they stand; what is not looked at is said.
The exit code is that of the first thing that is wrong.

Examples:
  chat doctor
  chat doctor --json`,
		Flags: []cli.Flag{jsonFlag("the findings")}, Action: p.doctor,
	}
}

// finding is what was found out about one thing. Code is why it is wrong, "" if it
// is not; a warning is worth knowing, and stops nothing.
type finding struct {
	What    string    `json:"what"`
	Says    string    `json:"says"`
	Warning bool      `json:"warning,omitempty"`
	Skipped bool      `json:"skipped,omitempty"` // it was not looked at
	Code    chat.Code `json:"code,omitempty"`
}

func good(what, format string, args ...any) finding {
	return finding{What: what, Says: fmt.Sprintf(format, args...)}
}

func warning(what, format string, args ...any) finding {
	return finding{What: what, Says: fmt.Sprintf(format, args...), Warning: true}
}

func skipped(what, format string, args ...any) finding {
	return finding{What: what, Says: fmt.Sprintf(format, args...), Skipped: true}
}

func wrong(what string, err error) finding {
	return finding{What: what, Says: err.Error(), Code: chat.CodeOf(err)}
}

func (p *program) doctor(c *cli.Context) error {
	if c.IsSet("no-daemon") {
		return chat.Errorf(chat.CodeInvalid, "--no-daemon means nothing to `chat doctor`: leave it out")
	}
	found := []finding{good("version", "chat %s, %s, %s/%s", daemon.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)}
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		found = append(found, wrong("directories", err))
	} else {
		found = append(found, directories(paths)...)
		found = append(found, settings(paths)...)
	}
	found = append(found, p.server(c, err == nil)...)
	found = append(found, p.screen()...)
	if err := p.printFindings(c, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Code != "" {
			return exitWith(exitOf(f.Code))
		}
	}
	return nil
}

func (p *program) printFindings(c *cli.Context, found []finding) error {
	if c.Bool("json") {
		return writeJSON(p.out, found)
	}
	var rows [][]string
	for _, f := range found {
		mark := "ok"
		switch {
		case f.Code != "":
			mark = "WRONG"
		case f.Warning:
			mark = "note"
		case f.Skipped:
			mark = "skip"
		}
		rows = append(rows, []string{mark, f.What, strings.ReplaceAll(f.Says, "\n", " ")})
	}
	// Whole sentences, wherever they wrap: what is cut off here is what was asked for.
	return table(p.out, []column{{}, {}, {whole: true}}, rows)
}

// littleSpace is what a database and a log should have, in bytes.
const littleSpace = 100 << 20

// directories tells whether chat can write where it has to, without writing.
func directories(paths local.Paths) []finding {
	var found []finding
	for _, d := range []struct{ what, path, variable string }{
		{"data", paths.Data, "XDG_DATA_HOME"}, {"state", paths.State, "XDG_STATE_HOME"}, {"config", paths.Config, "XDG_CONFIG_HOME"},
	} {
		at := existing(d.path)
		if err := unix.Access(at, unix.W_OK|unix.X_OK); err != nil {
			found = append(found, wrong(d.what, chat.Errorf(chat.CodeDaemon, "cannot write to %s (%w): make it writable, or set %s to a directory that is", d.path, err, d.variable)))
			continue
		}
		var s unix.Statfs_t
		if err := unix.Statfs(at, &s); err == nil && uint64(s.Bavail)*uint64(s.Bsize) < littleSpace { //nolint:unconvert // sizes, of other types elsewhere
			found = append(found, warning(d.what, "%s: the disk is nearly full", d.path))
			continue
		}
		found = append(found, good(d.what, "%s", d.path))
	}
	return found
}

// existing is path, or its nearest ancestor that is there.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

func settings(paths local.Paths) []finding {
	f, err := readConfig(paths.ConfigFile())
	if err != nil {
		return []finding{wrong("settings", err)}
	}
	problems, err := f.problems()
	if err != nil {
		return []finding{wrong("settings", err)}
	}
	var found []finding
	switch {
	case len(problems) > 0:
		found = append(found, wrong("settings", chat.Errorf(chat.CodeInvalid, "%s", strings.Join(problems, "; "))))
	case len(f.lines) == 0:
		found = append(found, good("settings", "none in a file (chat config set)"))
	default:
		found = append(found, good("settings", "%s in %s", plural(len(f.entries), "setting"), f.path))
	}
	for _, what := range f.exposed(paths) {
		found = append(found, wrong("secrets", chat.Errorf(chat.CodeInvalid, "%s", what)))
	}
	return found
}

// server tells about the daemon and what it can ask.
func (p *program) server(c *cli.Context, home bool) []finding {
	if host := cmp.Or(c.String("host"), p.env("CHAT_HOST")); host != "" {
		return p.serverAt(c.Context, host)
	}
	if !home {
		return []finding{skipped("provider", "not asked, without directories")}
	}
	f, running := p.daemonFinding(c.Context)
	if !running {
		if f.Code != "" {
			return []finding{f, skipped("provider", "not asked, because of the daemon")}
		}
		return append([]finding{f}, p.provider(c.Context, nil)...)
	}
	s, err := p.starter()
	var at client.Endpoint
	if err == nil {
		at, err = s.Find(c.Context)
	}
	if err != nil {
		return []finding{f, wrong("server", err)}
	}
	return append([]finding{f}, p.provider(c.Context, &at)...)
}

// serverAt tells about a server that is not the local daemon.
func (p *program) serverAt(ctx context.Context, host string) []finding {
	at, err := parseHost(host, p.env("CHAT_TOKEN"))
	if err != nil {
		return []finding{wrong("server", err)}
	}
	cl := client.New(client.At(at), client.Options{})
	defer cl.Close()
	h, err := cl.Hello(ctx)
	if err != nil {
		return []finding{wrong("server", err), skipped("provider", "not asked, because of the server")}
	}
	if !protocolRange().Overlaps(h.Protocol) {
		return []finding{wrong("server", chat.Errorf(chat.CodeIncompatible, "%s speaks protocol %d to %d, and this chat %d to %d", at, h.Protocol.Min, h.Protocol.Max, daemon.ProtocolMin, daemon.ProtocolMax))}
	}
	found := []finding{good("server", "%s, version %s", at, h.Version)}
	if at.Network == "unix" && p.env("OPENAI_API_KEY")+p.env("OPENAI_BASE_URL") != "" {
		found = append(found, good("provider", "%s, for your own messages", p.shellProvider()))
	} else {
		found = append(found, skipped("provider", "the server's own; only it knows its settings"))
	}
	return append(found, p.serverModels(ctx, at))
}

// daemonFinding tells about the local daemon, and whether it can be asked.
func (p *program) daemonFinding(ctx context.Context) (finding, bool) {
	s, err := p.starter()
	if err != nil {
		return wrong("daemon", err), false
	}
	st, err := s.Status(ctx)
	switch {
	case err != nil:
		return wrong("daemon", err), false
	case !st.Running:
		return good("daemon", "not running (chat starts it when it needs it)"), false
	case !st.Healthy:
		return wrong("daemon", chat.Errorf(chat.CodeDaemon, "process %d: %s; see %s, or end it with chat daemon stop --force", st.PID, st.Problem, s.Paths.Log())), false
	case st.Hello.Version != daemon.Version:
		return warning("daemon", "process %d has the version %s, and this is %s: chat daemon restart", st.PID, st.Hello.Version, daemon.Version), true
	}
	return good("daemon", "process %d, %s", st.PID, st.Info.Socket), true
}

// screen tells about the terminal.
func (p *program) screen() []finding {
	var found []finding
	locale := cmp.Or(p.env("LC_ALL"), p.env("LC_CTYPE"), p.env("LANG"))
	if upper := strings.ToUpper(locale); !strings.Contains(upper, "UTF-8") && !strings.Contains(upper, "UTF8") {
		found = append(found, warning("locale", "%q is not UTF-8: letters may be shown wrong; set LANG, for example to C.UTF-8", locale))
	}
	width, height, err := term.GetSize(p.out.Fd())
	switch name := p.env("TERM"); {
	case err != nil || !term.IsTerminal(p.out.Fd()):
		return append(found, good("terminal", "stdout is none, so chat behaves as chat send"))
	case name == "" || name == "dumb":
		return append(found, warning("terminal", "TERM=%s: the screen cannot be shown; chat talks in lines instead (chat --plain-ui)", name))
	default:
		colours := map[palette]string{noColor: "no colours", weightOnly: "bold, but no colours (NO_COLOR)", fullColor: "colours"}[p.colors(p.out.Fd())]
		return append(found, good("terminal", "%s, %d×%d, %s", name, width, height, colours))
	}
}
