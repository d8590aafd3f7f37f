package top

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// Model is the screen. Update does no I/O; View is a function of the last look.
type Model struct {
	o    Options
	th   theme.Theme
	jobs *jobs
	// command makes a command of work that ends with the screen.
	command func(work func(context.Context) tea.Msg) tea.Cmd

	width, height int
	seen          bool
	st            chat.Stats
	meter         Meter

	kind    kind   // of the chosen row
	id      string // its id; it stays chosen wherever it moves to
	last    int    // where it was
	top     int
	help    bool
	ask     string // the task that a second s would stop
	note    string
	trouble string
	chosen  string // the conversation to open
}

type (
	lookedMsg struct {
		st  chat.Stats
		err error
	}
	dueMsg     struct{}
	stoppedMsg struct {
		id  string
		won bool
		err error
	}
)

func newModel(ctx context.Context, o Options, th theme.Theme) *Model {
	if o.Every <= 0 {
		o.Every = time.Second
	}
	m := &Model{o: o, th: th, jobs: &jobs{}}
	m.command = func(work func(context.Context) tea.Msg) tea.Cmd {
		return func() tea.Msg {
			if !m.jobs.enter() {
				return nil
			}
			defer m.jobs.group.Done()
			if msg := work(ctx); ctx.Err() == nil {
				return msg
			}
			return nil
		}
	}
	return m
}

// Init looks at once.
func (m *Model) Init() tea.Cmd { return m.look() }

func (m *Model) look() tea.Cmd {
	source := m.o.Source
	return m.command(func(ctx context.Context) tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		st, err := source.Stats(ctx)
		return lookedMsg{st, err}
	})
}

// due asks for the next look, one pause after the last one has come back.
func (m *Model) due() tea.Cmd {
	every := m.o.Every
	return m.command(func(ctx context.Context) tea.Msg {
		t := time.NewTimer(every)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		return dueMsg{}
	})
}

// Update takes a key, a look, or the end of a stop.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.press(msg)
	case dueMsg:
		return m, m.look()
	case lookedMsg:
		m.looked(msg)
		return m, m.due()
	case stoppedMsg:
		switch {
		case msg.err != nil:
			m.note = "cannot stop " + short(msg.id) + ": " + sanitize.Line(msg.err.Error())
		case msg.won:
			m.note = "stopped " + short(msg.id)
		default:
			m.note = short(msg.id) + " had ended already"
		}
	}
	return m, nil
}

// looked takes what the server says. What it said before stays, if it says nothing.
func (m *Model) looked(msg lookedMsg) {
	if msg.err != nil {
		m.trouble = "no answer, trying again: " + sanitize.Line(msg.err.Error())
		return
	}
	m.trouble = ""
	m.st, m.seen = cleaned(msg.st), true
	m.meter.See(m.st)
}

func (m *Model) frame() frame { return frame{m.st, &m.meter, m.th} }

// place is where the chosen row is in the list, and, if it has gone, its
// neighbour, which is chosen instead. -1 if there is nothing to choose.
func (m *Model) place(list []row) int {
	at := slices.IndexFunc(list, func(r row) bool { return r.kind != heading && r.kind == m.kind && r.id == m.id })
	if at < 0 {
		at = nearest(list, min(m.last, len(list)-1))
	}
	if at >= 0 {
		m.kind, m.id, m.last = list[at].kind, list[at].id, at
	}
	return at
}

// nearest is the row at i, or the next that can be chosen, or the one before.
func nearest(list []row, i int) int {
	for j := max(i, 0); j < len(list); j++ {
		if list[j].kind != heading {
			return j
		}
	}
	for j := min(i, len(list)-1); j >= 0; j-- {
		if list[j].kind != heading {
			return j
		}
	}
	return -1
}

func firstChoice(list []row) int { return nearest(list, 0) }

// move goes n rows down, or up.
func (m *Model) move(n int) {
	list := m.frame().rows()
	at := m.place(list)
	step := 1
	if n < 0 {
		step, n = -1, -n
	}
	for ; n > 0 && at >= 0; n-- {
		next := at + step
		for next >= 0 && next < len(list) && list[next].kind == heading {
			next += step
		}
		if next < 0 || next >= len(list) {
			break
		}
		at = next
	}
	if at >= 0 {
		m.kind, m.id, m.last = list[at].kind, list[at].id, at
	}
}

// row is the chosen one; a heading if there is none.
func (m *Model) row() row {
	list := m.frame().rows()
	if at := m.place(list); at >= 0 {
		return list[at]
	}
	return row{}
}
