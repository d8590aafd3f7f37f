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
		Name: "doctor", Usage: "look for what keeps chat from working", ArgsUsage: noArguments,
		Description: `Looks at the directories, the settings, the daemon, the provider and the terminal, and
changes nothing. It does not start a daemon; one that is running is asked for its models.
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
	Code    chat.Code `json:"code,omitempty"`
}

func good(what, format string, args ...any) finding {
	return finding{What: what, Says: fmt.Sprintf(format, args...)}
}

func warning(what, format string, args ...any) finding {
	return finding{What: what, Says: fmt.Sprintf(format, args...), Warning: true}
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
		found = append(found, settings(paths))
	}
	found = append(found, p.server(c, err == nil)...)
	found = append(found, p.screen()...)
	if err := p.printFindings(c, found); err != nil {
		return err
	}
	for _, f := range found {
		if f.Code != "" {
			return silently(exitOf(f.Code))
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

func settings(paths local.Paths) finding {
	f, err := readConfig(paths.ConfigFile())
	if err != nil {
		return wrong("settings", err)
	}
	problems, err := f.problems()
	switch {
	case err != nil:
		return wrong("settings", err)
	case len(problems) > 0:
		return wrong("settings", chat.Errorf(chat.CodeInvalid, "%s", strings.Join(problems, "; ")))
	case len(f.lines) == 0:
		return good("settings", "none in a file (chat config set)")
	}
	if i, err := os.Stat(f.path); err == nil && i.Mode().Perm()&0o077 != 0 {
		if _, ok := f.find("api_key"); ok {
			return warning("settings", "others can read the key in %s: chmod 600 it", f.path)
		}
	}
	return good("settings", "%s in %s", plural(len(f.entries), "setting"), f.path)
}

// server tells about the daemon and what it can ask.
func (p *program) server(c *cli.Context, home bool) []finding {
	host := cmp.Or(c.String("host"), p.env("CHAT_HOST"))
	var at client.Endpoint
	if host != "" {
		var err error
		if at, err = parseHost(host, p.env("CHAT_TOKEN")); err != nil {
			return []finding{wrong("server", err)}
		}
	} else {
		if !home {
			return nil // it has been said why
		}
		f, running := p.daemonFinding(c.Context)
		if !running {
			return []finding{f}
		}
		found := []finding{f}
		s, err := p.starter()
		if err == nil {
			at, err = s.Find(c.Context)
		}
		if err != nil {
			return append(found, wrong("server", err))
		}
		return append(found, p.provider(c.Context, at))
	}
	cl := client.New(client.At(at), client.Options{})
	defer cl.Close()
	h, err := cl.Hello(c.Context)
	if err != nil {
		return []finding{wrong("server", err)}
	}
	if !protocolRange().Overlaps(h.Protocol) {
		return []finding{wrong("server", chat.Errorf(chat.CodeIncompatible, "%s speaks protocol %d to %d, and this chat %d to %d", at, h.Protocol.Min, h.Protocol.Max, daemon.ProtocolMin, daemon.ProtocolMax))}
	}
	return []finding{good("server", "%s, version %s", at, h.Version), p.provider(c.Context, at)}
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
		return good("daemon", "not running (chat starts it when it needs it; with one, doctor asks it for its models: chat daemon start)"), false
	case !st.Healthy:
		return wrong("daemon", chat.Errorf(chat.CodeDaemon, "process %d: %s; see %s, or end it with chat daemon stop --force", st.PID, st.Problem, s.Paths.Log())), false
	case st.Hello.Version != daemon.Version:
		return warning("daemon", "process %d has the version %s, and this is %s: chat daemon restart", st.PID, st.Hello.Version, daemon.Version), true
	}
	return good("daemon", "process %d, %s", st.PID, st.Info.Socket), true
}

// provider tells which models answer.
func (p *program) provider(ctx context.Context, at client.Endpoint) finding {
	own, err := p.ownProvider()
	if err != nil {
		return wrong("models", err)
	}
	cl := client.New(client.At(at), own)
	defer cl.Close()
	models, notice, err := cl.ModelsWithNotice(ctx)
	if err != nil {
		return wrong("models", p.explain(err))
	}
	if notice != "" {
		return wrong("models", chat.Errorf(chat.CodeProviderModel, "%s", notice))
	}
	chosen := ""
	for _, m := range models {
		if m.Default {
			chosen = m.ID
		}
	}
	if len(models) == 1 && models[0].ID == "demo" {
		return warning("models", "only the built-in demo: start Ollama, LM Studio or llama.cpp, or keep a key with chat auth login")
	}
	return good("models", "%s, %s by default", plural(len(models), "model"), cmp.Or(chosen, "none"))
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
