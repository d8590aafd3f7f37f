package tui

import (
	"context"
	"io"
	"os"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	"chat/internal/term/theme"
	"chat/tui/composer"
	"chat/tui/drafts"
	"chat/tui/follow"
	"chat/tui/transcript"
)

// Model is the state of the screen.
type Model struct {
	backend          Backend
	jobs             *jobs
	hub              *follow.Hub
	now              func() time.Time
	theme            theme.Theme
	keys             []binding
	facts            func(model string) chat.ModelInfo
	modelInfo        map[string]chat.ModelInfo // by the models' providers
	cost             float64                   // of the open conversation, in dollars
	defaultModel     string                    // the server's default model, "" until it is known
	place            attach.Place
	complete         completion
	attaching        bool   // files are being read for a message
	confirmedMissing string // the draft whose missing files were asked about
	mouse            bool
	askBackground    bool                     // the theme follows the terminal's background
	blurred          bool                     // the terminal has said that it has not the focus
	removed          []removal                // conversations that can still be brought back
	removals         int                      // so far
	await            func(key string) tea.Cmd // what the next key is for, nil if nothing
	host             string
	env              []string
	terminal         io.Writer // takes whole sequences, besides the frames
	in, out          *os.File  // the terminal itself, for an editor
	copyFile         string    // what is copied goes there if nothing else helps

	width, height int
	list          *transcript.List
	look          *transcript.Look
	input         composer.Composer
	reading       bool // the transcript has the focus, not the input
	panel         *openPanel
	panels        int // opened so far
	help          *helpPage
	question      *question

	// The open conversation. Each opening is a session of its own.
	session      int
	conversation chat.Conversation
	seen         time.Time // when what is shown was last updated
	loading      bool
	catching     bool // what others did is being read
	record       record
	messages     []*transcript.Message       // those that are shown
	follows      map[int]*transcript.Message // by follower id
	followers    int                         // started so far
	pending      *transcript.Message         // the user's message on its way
	pendingAfter string                      // what it answers to, "" for the newest
	branch       *branch                     // where the next message goes, nil for the end
	queue        map[string][]*transcript.Message
	flights      map[string]bool // conversations whose queue is being sent from elsewhere

	draft    draftState
	history  history
	prompt   string // to be sent when the conversation is there
	model    string // asked for by the user, "" if none
	running  []chat.Task
	tasks    []chat.Task         // the running ones, and of the others what is known
	recent   []chat.Conversation // the newest
	news     map[string]bool     // conversations with an answer that nobody has seen
	ended    map[string]bool     // tasks that may still be in running
	pollSeq  int
	link     link
	notice   notice
	armed    bool      // ctrl+c once more quits
	touched  time.Time // the last key
	ticking  bool
	open     string // conversation to open at start
	target   string // the message to be shown when that is open
	choosing bool   // begin with the list of conversations
}

// exitTimeout is how long leaving may wait for the server.
const exitTimeout = 500 * time.Millisecond

// notice is a sentence in the status line, until the next key or for some time.
type notice struct {
	text  string
	bad   bool
	until time.Time
}

// How long notices stand; what went wrong is to be seen by who looks back later.
const (
	noticeTime = 10 * time.Second
	badTime    = 2 * time.Minute
)

func newModel(o Options, j *jobs, th theme.Theme, now func() time.Time) *Model {
	m := &Model{
		place: attach.Place{Dir: o.Dir, Home: lookup(o.Env, "HOME")}, complete: completion{closed: -1},
		facts: o.Facts,
		env:   o.Env, in: o.In, out: o.Out, terminal: io.Discard, copyFile: o.inState("copied.txt"),
		backend: o.Backend, jobs: j, hub: follow.NewHub(), now: now,
		keys: remapped(bindings(), o.Keys), host: o.Host, list: transcript.NewList(),
		look:    &transcript.Look{Now: now(), Zone: time.Local},
		follows: map[int]*transcript.Message{}, ended: map[string]bool{}, news: map[string]bool{},
		record: newRecord(), queue: map[string][]*transcript.Message{}, flights: map[string]bool{},
		draft:   draftState{store: drafts.Open(o.draftsDir()), left: map[string]string{}, early: map[int]early{}},
		history: history{file: drafts.OpenHistory(o.historyFile())},
		link:    newLink(), touched: now(), prompt: o.Prompt, model: o.Model, open: o.ConversationID, target: o.MessageID,
		choosing: o.Choose,
	}
	m.look.Keys = transcript.Keys{Fold: m.keyOf(anywhere, "reasoning"), Stop: m.keyOf(anywhere, "escape"), TakeBack: m.keyOf(writing, "up")}
	m.applyTheme(th)
	return m
}

// Init opens the conversation or sends the prompt, and starts listening.
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.framesCommand(), m.pollCommand(), m.historyCommand(), m.defaultModelCommand(), m.backgroundCommand()}
	if m.open != "" {
		cmds = append(cmds, m.openAt(m.open, m.target))
	} else if cmds = append(cmds, m.draftCommand()); m.choosing {
		cmds = append(cmds, m.chooseConversation())
	} else {
		cmds = append(cmds, m.sendPrompt())
	}
	return tea.Batch(cmds...)
}

// Update takes one message, and lays out what is in sight.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	began := time.Now()
	m.look.Now = m.now()
	if m.look.Now.After(m.notice.until) {
		m.notice = notice{}
	}
	cmd := tea.Batch(m.handle(msg), m.keepDraft(), m.offer())
	m.arrange()
	if _, drawing := msg.(framesMsg); drawing {
		m.hub.Cost(time.Since(began))
	}
	return m, tea.Batch(cmd, m.tick())
}

// tick keeps the clocks on the screen going, while there are any.
func (m *Model) tick() tea.Cmd {
	if m.ticking || !(m.busy() != nil || m.link.counting(m.look.Now) || m.notice.text != "") {
		return nil
	}
	m.ticking = true
	return m.jobs.after(time.Second, tickMsg{})
}

// busy is the message of this conversation that is being made, or nil; of
// several, the last one shown. One on another branch counts too, since the server
// makes one at a time.
func (m *Model) busy() *transcript.Message {
	var found *transcript.Message
	at := -1
	for _, msg := range m.follows {
		if !msg.Running() {
			continue
		}
		if i := slices.Index(m.messages, msg); found == nil || i > at {
			found, at = msg, i
		}
	}
	return found
}

func (m *Model) say(text string) {
	m.notice = notice{text: text, until: m.now().Add(noticeTime)}
}

func (m *Model) warn(text string) {
	m.notice = notice{text: text, bad: true, until: m.now().Add(badTime)}
}

// exit is what to tell after the screen has gone. What runs is asked once more,
// since the last poll may be seconds old; without an answer it is what was
// seen here.
func (m *Model) exit(ctx context.Context) Exit {
	e := Exit{ConversationID: m.conversation.ID}
	for _, waiting := range m.queue {
		e.Waiting += len(waiting)
	}
	ctx, cancel := context.WithTimeout(ctx, exitTimeout)
	defer cancel()
	tasks, err := m.backend.Running(ctx)
	if err != nil {
		tasks = m.running
	}
	for _, t := range tasks {
		if err == nil || !m.ended[t.ID] {
			e.Running = append(e.Running, t.ID)
		}
	}
	for _, msg := range m.record.items {
		if err != nil && msg.Running() && msg.TaskID != "" && !slices.Contains(e.Running, msg.TaskID) {
			e.Running = append(e.Running, msg.TaskID)
		}
	}
	return e
}
