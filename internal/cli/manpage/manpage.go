// Package manpage generates the manual page from the help texts.
package manpage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat/daemon"
	"chat/internal/cli/arguments"
	"chat/internal/cli/exit"
	"chat/internal/cli/settings"
	"chat/internal/fetch"
)

// Render returns the manual page in the man macros (man(7)).
func Render(app *cli.App) string {
	m := &roff{}
	m.macro(".TH CHAT 1 \"\" %q \"User Commands\"", "chat "+daemon.Version)
	m.section("NAME")
	m.text("chat - " + app.Usage)
	m.section("SYNOPSIS")
	m.verbatim(app.UsageText)
	m.section("DESCRIPTION")
	m.prose(app.Description)
	m.section("COMMANDS")
	for _, c := range app.Commands {
		m.command("chat", c)
	}
	m.section("COMMON OPTIONS")
	m.flags(arguments.CommonFlags())
	m.section("OPTIONS OF CHAT WITHOUT A COMMAND")
	m.flags(arguments.RootFlags())
	m.section("EXIT STATUS")
	for _, row := range exit.Table() {
		m.item(fmt.Sprint(row.Code), row.Meaning)
	}
	m.section("ENVIRONMENT")
	for _, v := range environment() {
		m.item(v[0], v[1])
	}
	for _, s := range daemon.Settings() {
		m.item(s.Env, s.Usage)
	}
	m.section("FILES")
	for _, v := range places() {
		m.item(v[0], v[1])
	}
	return m.b.String()
}

// environment returns the variables that the client reads.
func environment() [][2]string {
	return [][2]string{
		{"CHAT_HOST", "same as --host"},
		{"CHAT_TOKEN", "the bearer token for a server at an http or https URL"},
		{"CHAT_NO_DAEMON", "same as --no-daemon"},
		{fetch.Variable, "1: same as --" + fetch.Flag},
		{"CHAT_THEME", settings.ThemeUsage},
		{"ACCESSIBLE", "use plain lines instead of the screen, like --plain-ui"},
		{"NO_COLOR, CLICOLOR_FORCE, TERM", "whether the output is styled with --color auto"},
		{"HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_CONFIG_HOME, XDG_RUNTIME_DIR", "the directories for files, see the XDG Base Directory Specification"},
	}
}

// places returns the files for the FILES section.
func places() [][2]string {
	return [][2]string{
		{"$XDG_DATA_HOME/chat (~/.local/share/chat)", "the database, and the files of the running daemon"},
		{"$XDG_STATE_HOME/chat/daemon.log (~/.local/state/chat/daemon.log)", "the local daemon's log"},
		{"$XDG_CONFIG_HOME/chat/config.toml (~/.config/chat/config.toml)", "settings, by the names above in lower case, and the tables [keys], [models.NAME] and [roles.NAME] (chat config --help)"},
	}
}

// roff writes the man macros.
type roff struct{ b strings.Builder }

func (m *roff) macro(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// escape escapes macros and escape sequences in text.
func escape(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func (m *roff) section(name string) { m.macro(".SH %q", name) }

func (m *roff) text(s string) {
	for line := range strings.Lines(s) {
		m.macro("%s", escape(strings.TrimRight(line, "\n")))
	}
}

func (m *roff) verbatim(s string) {
	m.macro(".nf")
	m.text(s)
	m.macro(".fi")
}

// prose writes paragraphs. It writes one with indented lines verbatim.
func (m *roff) prose(s string) {
	for i, part := range strings.Split(s, "\n\n") {
		if i > 0 {
			m.macro(".PP")
		}
		if strings.Contains("\n"+part, "\n  ") {
			m.verbatim(part)
			continue
		}
		m.text(part)
	}
}

func (m *roff) item(name, about string) {
	m.macro(".TP")
	m.macro(".B %s", escape(name))
	m.text(about)
}

func (m *roff) command(parent string, c *cli.Command) {
	if c.Hidden {
		return
	}
	name := parent + " " + c.Name
	if len(c.Subcommands) == 0 {
		m.macro(".SS %q", escape(strings.TrimSpace(name+" "+c.ArgsUsage)))
		m.text(sentence(c.Usage))
		m.proseAfter(c.Description)
		own := slices.DeleteFunc(slices.Clone(c.Flags), func(f cli.Flag) bool {
			return slices.ContainsFunc(arguments.CommonFlags(), func(g cli.Flag) bool { return f.Names()[0] == g.Names()[0] })
		})
		m.flags(own)
		return
	}
	m.macro(".SS %q", escape(name))
	m.text(sentence(c.Usage))
	m.proseAfter(c.Description)
	for _, sub := range c.Subcommands {
		m.command(name, sub)
	}
}

func (m *roff) proseAfter(s string) {
	if s != "" {
		m.macro(".PP")
		m.prose(s)
	}
}

// sentence returns a usage text as a sentence.
func sentence(usage string) string {
	return strings.ToUpper(usage[:1]) + usage[1:] + "."
}

func (m *roff) flags(list []cli.Flag) {
	for _, f := range list {
		d, ok := f.(cli.DocGenerationFlag)
		if v, visible := f.(cli.VisibleFlag); !ok || visible && !v.IsVisible() || f.Names()[0] == "help" {
			continue
		}
		var names []string
		for _, n := range f.Names() {
			if len(n) == 1 {
				names = append([]string{"-" + n}, names...)
			} else {
				names = append(names, "--"+n)
			}
		}
		name := strings.Join(names, ", ")
		about := d.GetUsage()
		if _, rest, found := strings.Cut(about, "`"); found && d.TakesValue() {
			value, _, _ := strings.Cut(rest, "`")
			name += " " + value
		}
		m.item(name, about)
	}
}
