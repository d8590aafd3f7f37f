package top

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/report"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// Model is the screen. Update does no I/O; View is a function of the last state.
type Model struct {
	o    Options
	th   theme.Theme
	jobs *jobs
	// command makes a command of work that ends with the screen.
	command func(work func(context.Context) tea.Msg) tea.Cmd

	width, height int
	seen          bool
	st            report.Stats
	meter         Meter

	kind    kind   // of the selected row
	id      string // its id; the row stays selected when it moves
	last    int    // where it was
	top     int
	help    bool
	ask     string // the task that a second s would stop
	note    string
	problem string
	toOpen  string // the conversation to open
}

type (
	refreshedMsg struct {
		st  report.Stats
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

// Init polls the server immediately.
func (m *Model) Init() tea.Cmd { return m.refresh() }

func (m *Model) refresh() tea.Cmd {
	source := m.o.Source
	return m.command(func(ctx context.Context) tea.Msg {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		st, err := source.Stats(ctx)
		return refreshedMsg{st, err}
	})
}

// due schedules the next poll.
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

// Update handles a key, an answer, or the end of a stop.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyMsg:
		return m, m.press(msg)
	case dueMsg:
		return m, m.refresh()
	case refreshedMsg:
		m.refreshed(msg)
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

// refreshed shows the result of a poll. After a failure the previous state stays.
func (m *Model) refreshed(msg refreshedMsg) {
	if msg.err != nil {
		m.problem = "no reply, retrying: " + sanitize.Line(msg.err.Error())
		return
	}
	m.problem = ""
	m.st, m.seen = sanitized(msg.st), true
	m.meter.See(m.st)
}

func (m *Model) frame() frame { return frame{m.st, &m.meter, m.th} }

// position returns the index of the selected row. If the row has disappeared, it
// chooses its neighbour. It returns -1 if there is nothing to choose.
func (m *Model) position(list []row) int {
	at := slices.IndexFunc(list, func(r row) bool { return r.kind != heading && r.kind == m.kind && r.id == m.id })
	if at < 0 {
		at = nearest(list, min(m.last, len(list)-1))
	}
	if at >= 0 {
		m.kind, m.id, m.last = list[at].kind, list[at].id, at
	}
	return at
}

// nearest returns the row at i, or the next one that can be selected, or the previous
// one.
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
	at := m.position(list)
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

// row is the selected one; a heading if there is none.
func (m *Model) row() row {
	list := m.frame().rows()
	if at := m.position(list); at >= 0 {
		return list[at]
	}
	return row{}
}
