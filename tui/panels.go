package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/panel"
)

// typingPause is how long typing must rest before the server is searched.
const typingPause = 150 * time.Millisecond

// openPanel is the list that is open.
type openPanel struct {
	*panel.Panel
	id   int // results for another panel are stale
	kind panelKind
	// refresh makes the items anew of what the model knows; nil if they are fixed.
	refresh func() []panel.Item
	// search asks the server; nil: typing only filters.
	search func(ctx context.Context, query string) ([]panel.Item, error)
	pick   func(panel.Item) tea.Cmd
	// word is what was entered instead of a message, "" if nothing was.
	word string
}

type panelKind int

const (
	conversationsPanel panelKind = iota
	tasksPanel
	modelsPanel
	historyPanel
	palettePanel
)

type itemsMsg struct {
	panel int
	query string
	items []panel.Item
	err   error
}

// show opens a panel.
func (m *Model) show(p *openPanel) {
	m.panels++
	p.id = m.panels
	m.panel, m.help = p, nil
	m.refreshPanel()
}

// refreshPanel brings the open panel up to date with what the model knows.
func (m *Model) refreshPanel() {
	if m.panel != nil && m.panel.refresh != nil {
		m.panel.SetItems(m.panel.refresh())
	}
}

// panelIs is a condition of bindings: a panel of that kind is open.
func panelIs(kind panelKind) func(*Model) bool {
	return func(m *Model) bool { return m.panel != nil && m.panel.kind == kind }
}

// ask runs the panel's search when typing has rested.
func (m *Model) ask(query string, rest time.Duration) tea.Cmd {
	p := m.panel
	p.Loading = true
	id, search := p.id, p.search
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		pause(ctx, rest)
		items, err := search(ctx, query)
		return itemsMsg{id, query, items, err}
	})
}

// filter changes the open panel's filter.
func (m *Model) filter(query string) tea.Cmd {
	p := m.panel
	p.SetQuery(query)
	p.Loading, p.Failure = false, ""
	if p.search == nil || strings.TrimSpace(query) == "" {
		return nil
	}
	return m.ask(p.Query(), typingPause)
}

func (m *Model) items(msg itemsMsg) tea.Cmd {
	p := m.panel
	if p == nil || p.id != msg.panel || msg.query != "" && msg.query != p.Query() {
		return nil
	}
	p.Loading, p.Failure = false, ""
	switch {
	case msg.err != nil:
		p.Failure = sentence(msg.err)
	case msg.query == "":
		p.SetItems(msg.items)
	default:
		if p.kind == conversationsPanel {
			msg.items = m.visible(msg.items)
		}
		p.SetFound(msg.query, msg.items)
		return m.notesCommand()
	}
	return nil
}

func (m *Model) pick() tea.Cmd {
	p := m.panel
	it, ok := p.Current()
	if !ok && (p.word == "" || p.Query() != strings.TrimPrefix(p.word, "/")) {
		return nil
	}
	m.panel = nil
	if !ok { // no command: it was meant for the model
		return m.submitWith(p.word)
	}
	return p.pick(it)
}
