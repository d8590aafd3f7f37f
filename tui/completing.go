package tui

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// completion offers files for the @ that is being written.
type completion struct {
	files   []string // below the directory, nil until they are known
	looking bool
	from    int // where the @ stands
	prefix  string
	shown   []string
	at      int
	closed  int // the place of an @ that nothing is to be offered for, -1 for none
}

// offered is how many files are offered at once.
const offered = 6

type (
	filesMsg  struct{ files []string }
	listedMsg struct {
		prefix string
		list   []string
	}
)

func completing(m *Model) bool { return m.where() == writing && len(m.complete.shown) > 0 }

// offer brings what is offered up to date with the input.
func (m *Model) offer() tea.Cmd {
	c := &m.complete
	prefix, from, ok := attach.Partial(m.input.Text(), m.input.Caret())
	if !ok || from == c.closed {
		c.shown = nil
		if !ok {
			c.closed = -1
		}
		return nil
	}
	if prefix == c.prefix && from == c.from && c.shown != nil {
		return nil
	}
	c.prefix, c.from, c.at = prefix, from, 0
	place := m.place
	if attach.Elsewhere(prefix) {
		return m.jobs.command(func(context.Context) tea.Msg {
			return listedMsg{prefix, place.List(prefix, offered)}
		})
	}
	c.shown = attach.Match(c.files, prefix, offered)
	if c.files != nil || c.looking {
		return nil
	}
	c.looking = true
	return m.jobs.command(func(ctx context.Context) tea.Msg { return filesMsg{place.Files(ctx)} })
}

func (m *Model) filesFound(msg filesMsg) {
	m.complete.files, m.complete.looking = append([]string{}, msg.files...), false
	if _, _, ok := attach.Partial(m.input.Text(), m.input.Caret()); ok {
		m.complete.shown = attach.Match(m.complete.files, m.complete.prefix, offered)
	}
}

func (m *Model) listed(msg listedMsg) {
	if msg.prefix == m.complete.prefix {
		m.complete.shown = msg.list
	}
}

// accept writes the chosen file into the input.
func (m *Model) acceptFile() tea.Cmd {
	c := &m.complete
	path := c.shown[c.at]
	mention := attach.Write(path)
	if strings.HasSuffix(path, "/") {
		mention = "@" + path // goes on
	} else {
		mention += " "
	}
	m.input.Replace(c.from, m.input.Caret(), mention)
	c.shown, c.prefix = nil, "\x00"
	return nil
}

func (m *Model) moveOffer(by int) {
	n := len(m.complete.shown)
	m.complete.at = (m.complete.at + by + n) % n
}

func (m *Model) closeOffer() {
	m.complete.closed, m.complete.shown = m.complete.from, nil
	m.complete.files = nil // looked for again with the next @
}

// overlay puts what is offered over the last rows of the body.
func (m *Model) overlay(rows []string) []string {
	if !completing(m) {
		return rows
	}
	n := min(len(m.complete.shown), len(rows))
	first := max(min(m.complete.at-n+1, len(m.complete.shown)-n), 0)
	for i := range n {
		at := first + i
		mark, sgr := "   @ ", ""
		if at == m.complete.at {
			mark, sgr = " > @ ", m.theme.Selected
		}
		text := ansi.Truncate(sanitize.Line(m.complete.shown[at]), max(m.width-len(mark)-1, 1), "…")
		rows[len(rows)-n+i] = mark + theme.Paint(text, sgr)
	}
	return rows
}

func completionBindings() []binding {
	move := func(by int) func(*Model) tea.Cmd { return only(func(m *Model) { m.moveOffer(by) }) }
	rows := []binding{
		{name: "accept-file", keys: []string{"tab"}, where: writing, hint: "attach it", motion: true, what: "take the file that is offered", when: completing, do: (*Model).acceptFile},
		{name: "file-up", keys: []string{"up", "ctrl+p"}, where: writing, motion: true, when: completing, do: move(-1)},
		{name: "file-down", keys: []string{"down", "ctrl+n"}, where: writing, motion: true, when: completing, do: move(1)},
		{name: "file-close", keys: []string{"esc"}, where: writing, hint: "no file", motion: true, when: completing, do: only((*Model).closeOffer)},
	}
	for i := range rows {
		rows[i].popup = true
	}
	return rows
}
