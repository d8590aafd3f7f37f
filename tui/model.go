package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/theme"
	"chat/tui/backend"
	"chat/tui/connection"
	"chat/tui/conversation"
	"chat/tui/deletion"
	"chat/tui/drafting"
	"chat/tui/drafts"
	"chat/tui/input"
	"chat/tui/jobs"
	"chat/tui/keymap"
	"chat/tui/panel"
	"chat/tui/queue"
	"chat/tui/status"
	"chat/tui/terminal"
	"chat/tui/transcript"
)

// Model is the screen. It owns its parts and what concerns several of them.
type Model struct {
	backend backend.Backend
	jobs    *jobs.Runner
	now     func() time.Time
	keys    keymap.Table[*Model]
	theme   theme.Theme
	style   *transcript.Style // of the messages, and the time of this Update
	host    string

	conversation *conversation.View
	input        *input.Input
	queue        *queue.Queue
	drafts       *drafting.Keeper
	server       *connection.Poller
	deletions    *deletion.Deletions
	terminal     *terminal.Terminal
	list         *panel.Chooser
	status       status.Bar
	usage        status.Usage
	help         *keymap.Help // nil if it is closed
	question     *question    // nil if there is none

	width, height int
	nextKey       func(key string) tea.Cmd // what the next key does, nil if nothing special
	quitting      bool                     // the interrupt key once more quits
	touched       time.Time                // the last key press
	ticking       bool
	copyFile      string // what is copied goes there if nothing else works

	model        string // chosen by the user, "" if none
	defaultModel string // the server's, "" until it is known
	// parameters are those that the open conversation does not have yet; nil if it has all.
	parameters   *chat.Parameters
	parametersOf func(model string) *chat.Parameters // in the settings; may be nil
	opening      opening
}

// opening is what the screen begins with.
type opening struct {
	conversation, message string
	choose                bool   // open the list of conversations
	prompt                string // to be sent when the conversation is open
	parameters            *chat.Parameters
}

// exitTimeout is how long leaving may wait for the server.
const exitTimeout = 500 * time.Millisecond

func newModel(o Options, j *jobs.Runner, th theme.Theme, askBackground bool, now func() time.Time) *Model {
	style := &transcript.Style{Now: now(), Zone: time.Local}
	deleter, _ := o.Backend.(backend.Deleter)
	m := &Model{
		backend: o.Backend, jobs: j, now: now, keys: bindings().Remap(o.Keys), style: style, host: o.Host,
		conversation: conversation.New(j, o.Backend, style),
		input:        input.New(j, o.Backend, o.dirs(), drafts.OpenHistory(o.historyFile())),
		queue:        queue.New(j, o.Backend),
		drafts:       drafting.New(j, drafts.Open(o.draftsDir())),
		server:       connection.NewPoller(j, o.Backend),
		deletions:    deletion.New(j, deleter),
		terminal:     terminal.New(j, o.Env, o.In, o.Out, askBackground),
		list:         panel.NewChooser(j),
		usage:        status.Usage{Configured: o.ModelInfo},
		touched:      now(),
		copyFile:     o.inState("copied.txt"),
		model:        o.Model,
		opening:      opening{o.ConversationID, o.MessageID, o.Choose, o.Prompt, o.Parameters},
		parameters:   o.Parameters,
		parametersOf: o.ModelParameters,
	}
	style.Keys = transcript.Keys{
		Fold: m.keys.KeyOf(keymap.Anywhere, "reasoning"), Stop: m.keys.KeyOf(keymap.Anywhere, "escape"),
		TakeBack: m.keys.KeyOf(keymap.Writing, "up"), Continue: continueKeys(m),
	}
	m.applyTheme(th)
	return m
}

// Init opens the conversation or sends the prompt, and starts listening.
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.conversation.Next(), m.poll(), m.input.LoadHistory(), m.loadModels(), m.terminal.AskBackground()}
	switch {
	case m.opening.conversation != "":
		cmds = append(cmds, m.openAt(m.opening.conversation, m.opening.message))
	case m.opening.choose:
		cmds = append(cmds, m.loadDraft(), m.chooseConversation())
	default:
		cmds = append(cmds, m.loadDraft(), m.sendPrompt())
	}
	return tea.Batch(cmds...)
}

// Update handles one message, and lays out what is in sight.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	began := time.Now()
	m.style.Now = m.now()
	m.status.Expire(m.style.Now)
	cmd := tea.Batch(m.handle(msg), m.keepDraft(), m.input.Complete())
	m.usage.Count(m.conversation.Version(), m.conversation.Records())
	m.layout()
	if _, drawing := msg.(conversation.BatchesMsg); drawing {
		m.conversation.Drawn(time.Since(began))
	}
	return m, tea.Batch(cmd, m.tick())
}

type tickMsg struct{}

// tick keeps the clocks on the screen going, while there are any.
func (m *Model) tick() tea.Cmd {
	if m.ticking || !(m.conversation.Busy() != nil || m.server.Counting(m.style.Now) || m.status.Notice() != "") {
		return nil
	}
	m.ticking = true
	return m.jobs.After(time.Second, tickMsg{})
}

func (m *Model) say(text string)  { m.status.Say(text, m.now()) }
func (m *Model) warn(text string) { m.status.Warn(text, m.now()) }

// applyTheme gives the screen another theme.
func (m *Model) applyTheme(th theme.Theme) {
	th.Answer.Number = m.keys.KeyOf(keymap.Reading, "copy-code") // before the block's own number
	m.theme = th
	m.style.Theme = th
	m.style.Version++
}

// exit returns what the caller can report. It asks once more what runs, since the
// last poll may be seconds old. If the server does not answer, it returns what was
// seen here.
func (m *Model) exit(ctx context.Context) Exit {
	e := Exit{ConversationID: m.conversation.ID(), Waiting: m.queue.Len()}
	ctx, cancel := context.WithTimeout(ctx, exitTimeout)
	defer cancel()
	tasks, err := m.backend.Running(ctx)
	if err == nil {
		for _, t := range tasks {
			if t.Kind != chat.KindTitle {
				e.Running = append(e.Running, t.ID)
			}
		}
		return e
	}
	for _, t := range m.server.Running() {
		if !m.server.Ended(t.ID) {
			e.Running = append(e.Running, t.ID)
		}
	}
	for _, id := range m.conversation.RunningTasks() {
		if !slices.Contains(e.Running, id) {
			e.Running = append(e.Running, id)
		}
	}
	return e
}
