package tui

import (
	"strings"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat/tui/sanitize"
	"chat/tui/theme"
)

// choice is one row of a picker; its texts are clean.
type choice struct{ id, title, detail string }

// picker is a list to choose from, narrowed by typing.
type picker struct {
	id      int // results for another picker are stale
	title   string
	query   string
	all     []choice // for an empty query
	found   []choice // by the server, for foundBy
	foundBy string
	shown   []choice
	at, top int
	height  int // rows for choices, set by view
	loading bool
	failure string

	search func(query string) tea.Cmd // asks the server; nil: typing only filters
	pick   func(choice) tea.Cmd
}

func (p *picker) move(by int) {
	p.at = max(min(p.at+by, len(p.shown)-1), 0)
}

func (p *picker) shorter() string {
	_, n := utf8.DecodeLastRuneInString(p.query)
	return p.query[:len(p.query)-n]
}

// filter shows what fits the query: by title at once, and what the server found.
func (p *picker) filter() {
	p.shown = nil
	seen := map[string]bool{}
	add := func(c choice) {
		if !seen[c.id] {
			seen[c.id] = true
			p.shown = append(p.shown, c)
		}
	}
	needle := strings.ToLower(strings.TrimSpace(p.query))
	for _, c := range p.all {
		if needle == "" || strings.Contains(strings.ToLower(c.title), needle) {
			add(c)
		}
	}
	if needle != "" && p.foundBy == p.query {
		for _, c := range p.found {
			add(c)
		}
	}
	p.move(0)
}

// narrow changes the open picker's query.
func (m *Model) narrow(query string) tea.Cmd {
	p := m.picker
	p.query, p.at = sanitize.Line(query), 0
	if strings.HasSuffix(query, " ") {
		p.query += " "
	}
	p.filter()
	if p.search == nil || strings.TrimSpace(p.query) == "" {
		return nil
	}
	p.loading = true
	return p.search(p.query)
}

func (m *Model) chosenFrom(msg choicesMsg) {
	p := m.picker
	if p == nil || p.id != msg.picker || (msg.query != "" && msg.query != p.query) {
		return
	}
	p.loading, p.failure = false, ""
	switch {
	case msg.err != nil:
		p.failure = sentence(msg.err)
	case msg.query == "":
		p.all = msg.choices
	default:
		p.found, p.foundBy = msg.choices, msg.query
	}
	p.filter()
}

func (m *Model) pick() tea.Cmd {
	p := m.picker
	if p.at >= len(p.shown) {
		return nil
	}
	m.picker = nil
	return p.pick(p.shown[p.at])
}

// view returns exactly height rows and the column of the caret, which stands on
// the first of them.
func (p *picker) view(th theme.Theme, width, height int) (rows []string, caret int) {
	head := " " + p.title + ": "
	query := ansi.TruncateLeft(p.query, max(ansi.StringWidth(p.query)-(width-ansi.StringWidth(head)-2), 0), "")
	rows = append(rows, theme.Paint(head, th.Title)+query)
	caret = ansi.StringWidth(head + query)
	p.height = height - 1
	p.top = max(min(p.top, p.at), p.at-p.height+1, 0)
	for i := p.top; i < len(p.shown) && len(rows) < height; i++ {
		rows = append(rows, p.row(th, i, width))
	}
	if len(p.shown) == 0 && len(rows) < height {
		rows = append(rows, theme.Paint(ansi.Truncate("   "+p.nothing(), width, "…"), th.Dim))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return rows, caret
}

func (p *picker) nothing() string {
	switch {
	case p.failure != "":
		return p.failure
	case p.loading:
		return "looking…"
	case p.query != "":
		return "nothing fits"
	}
	return "nothing here yet"
}

func (p *picker) row(th theme.Theme, i, width int) string {
	c := p.shown[i]
	mark, sgr := "   ", ""
	if i == p.at {
		mark, sgr = " > ", th.Selected
	}
	detail := c.detail
	room := width - len(mark) - 1
	if ansi.StringWidth(detail) > room/2 {
		detail = ""
	}
	title := ansi.Truncate(c.title, max(room-ansi.StringWidth(detail)-2, 1), "…")
	free := room - ansi.StringWidth(title) - ansi.StringWidth(detail)
	return mark + theme.Paint(title, sgr) + strings.Repeat(" ", max(free, 1)) + theme.Paint(detail, th.Dim)
}
