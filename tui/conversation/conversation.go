// Package conversation shows the open conversation. View owns its messages, the
// branch that is shown, the streams of its running answers, the window over them,
// and the message that the user has selected.
package conversation

import (
	"context"
	"iter"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/thread"
	"chat/tui/follow"
	"chat/tui/jobs"
	"chat/tui/transcript"
)

// Backend reads conversations, sends messages and follows their answers.
type Backend interface {
	Messages(ctx context.Context, conversationID string) (chat.Conversation, []chat.Message, error)
	Send(ctx context.Context, conversationID string, sub chat.Submission) (chat.Accepted, error)
	Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error]
}

// View is the open conversation. Each opening is a session of its own: a result
// that belongs to another session is stale.
type View struct {
	jobs    *jobs.Runner
	backend Backend
	hub     *follow.Hub
	style   *transcript.Style
	list    *transcript.List

	width, height int
	reading       bool // keys go to the messages, not to the input

	session      int
	conversation chat.Conversation
	updated      time.Time // when what is shown was last updated
	loading      bool
	refreshing   bool
	target       string // the message to show when the conversation is open

	messages []chat.Message // as the server has them, in order of acceptance
	accepted []chat.Message // by the server, after messages were read
	tree     *thread.Tree   // of both
	items    map[string]*transcript.Message
	choices  map[string]string // where the thread forks: the child to show
	version  int               // changes with messages

	shown   []*transcript.Message       // the messages of the branch that is shown
	waiting []*transcript.Message       // after them: the send queue
	streams map[int]*transcript.Message // by stream
	started int                         // streams so far
	pending *transcript.Message         // the user's message on its way
	after   string                      // what pending answers to, "" for the newest
	branch  *Branch                     // where the next message goes, nil for the end
}

// New returns an empty View.
func New(j *jobs.Runner, backend Backend, style *transcript.Style) *View {
	v := &View{jobs: j, backend: backend, hub: follow.NewHub(), style: style, list: transcript.NewList(), streams: map[int]*transcript.Message{}}
	v.clear()
	return v
}

func (v *View) clear() {
	v.messages, v.accepted, v.tree = nil, nil, thread.New(nil)
	v.items, v.choices = map[string]*transcript.Message{}, map[string]string{}
}

// Session is the number of the opening.
func (v *View) Session() int { return v.session }

// ID is the id of the conversation, "" if it is new.
func (v *View) ID() string { return v.conversation.ID }

// Title is the title as the server has it, which is not clean.
func (v *View) Title() string { return v.conversation.Title }

// SetTitle changes the title that is shown.
func (v *View) SetTitle(title string) { v.conversation.Title = title }

// Loading reports whether the conversation is being opened.
func (v *View) Loading() bool { return v.loading }

// Refreshing reports whether the messages are being read again.
func (v *View) Refreshing() bool { return v.refreshing }

// Pending is the user's message on its way, nil if there is none.
func (v *View) Pending() *transcript.Message { return v.pending }

// Shown are the messages of the branch that is shown. Do not change the slice.
func (v *View) Shown() []*transcript.Message { return v.shown }

// Records are the messages as the server has them, and Version changes with them.
func (v *View) Records() []chat.Message { return v.messages }

// ParametersOf returns the parameters of a message; false if it is not stored yet.
func (v *View) ParametersOf(id string) (*chat.Parameters, bool) {
	i := slices.IndexFunc(v.messages, func(m chat.Message) bool { return m.ID == id })
	if i < 0 {
		return nil, false
	}
	return v.messages[i].Parameters, true
}

// Version changes with Records.
func (v *View) Version() int { return v.version }

// Model is the model of the conversation, or of its last answer; "" if unknown.
func (v *View) Model() string {
	if v.conversation.Model != "" {
		return v.conversation.Model
	}
	for _, item := range slices.Backward(v.shown) {
		if item.Role == chat.RoleAssistant && item.Model() != "" {
			return item.Model()
		}
	}
	return ""
}

// Parameters are those of the conversation, nil if there are none.
func (v *View) Parameters() *chat.Parameters { return v.conversation.Parameters }

// SetParameters changes the parameters that are shown.
func (v *View) SetParameters(p *chat.Parameters) { v.conversation.Parameters = p }

// Usage is the usage of the last answer that has one, or nil.
func (v *View) Usage() *chat.Usage {
	for _, item := range slices.Backward(v.shown) {
		if item.Usage != nil {
			return item.Usage
		}
	}
	return nil
}

// Close leaves the conversation for a new, empty one. Its tasks continue.
func (v *View) Close() {
	v.session++
	for id := range v.streams {
		v.hub.Stop(id)
	}
	clear(v.streams)
	v.conversation, v.updated = chat.Conversation{}, time.Time{}
	v.loading, v.refreshing, v.pending, v.after, v.branch, v.target = false, false, nil, "", nil, ""
	v.clear()
	v.waiting = nil
	v.rebuild()
	v.list.Bottom()
	v.Leave()
}

// OpenedMsg is a conversation that was opened.
type OpenedMsg struct {
	Session      int
	Conversation chat.Conversation
	Messages     []chat.Message
	Err          error
}

// Open reads a conversation, after Close. message is to be shown, on whatever
// branch it is; "" means the newest one.
func (v *View) Open(id, message string) tea.Cmd {
	v.conversation.ID, v.loading, v.target = id, true, message
	session, backend := v.session, v.backend
	return v.jobs.Command(func(ctx context.Context) tea.Msg {
		c, messages, err := backend.Messages(ctx, id)
		return OpenedMsg{session, c, messages, err}
	})
}

// Opened shows a conversation that was read, and the messages that wait there.
// The caller has checked the session and the error.
func (v *View) Opened(msg OpenedMsg, waiting []*transcript.Message) tea.Cmd {
	v.loading, v.waiting = false, waiting
	v.set(msg.Conversation)
	cmd := v.reconcile(msg.Messages)
	v.showTarget()
	return cmd
}

// RefreshedMsg is the open conversation, read again.
type RefreshedMsg struct {
	Session      int
	Conversation chat.Conversation
	Messages     []chat.Message
	Err          error
}

// Refresh reads the messages again, so that the screen equals the server.
func (v *View) Refresh() tea.Cmd {
	session, backend, id := v.session, v.backend, v.conversation.ID
	return v.jobs.Command(func(ctx context.Context) tea.Msg {
		c, messages, err := backend.Messages(ctx, id)
		return RefreshedMsg{session, c, messages, err}
	})
}

// Refreshed shows what Refresh has read. After a failure the screen stays as it
// is, and a later poll reads again.
func (v *View) Refreshed(msg RefreshedMsg) (tea.Cmd, bool) {
	if msg.Session != v.session {
		return nil, false
	}
	v.refreshing = false
	if msg.Err != nil {
		return nil, false
	}
	v.set(msg.Conversation)
	return v.reconcile(msg.Messages), true
}

func (v *View) set(c chat.Conversation) { v.conversation, v.updated = c, c.UpdatedAt }

// CatchUp reads the conversation again if another screen has changed it: it was
// updated, or a task runs in it that is not followed here.
func (v *View) CatchUp(recent []chat.Conversation, running []chat.Task) tea.Cmd {
	if v.conversation.ID == "" || v.loading || v.pending != nil || v.refreshing {
		return nil
	}
	stale := false
	for _, c := range recent {
		stale = stale || c.ID == v.conversation.ID && c.UpdatedAt.After(v.updated)
	}
	for _, t := range running {
		stale = stale || t.ConversationID == v.conversation.ID && t.Kind == chat.KindAnswer && !v.following(t.MessageID)
	}
	if !stale {
		return nil
	}
	v.refreshing = true
	return v.Refresh()
}

// showTarget shows the branch of the message that was asked for.
func (v *View) showTarget() {
	target := v.target
	id := target
	v.target = ""
	if v.items[id] == nil {
		return
	}
	for id != "" {
		parent := v.tree.Parent(id)
		v.choices[parent] = id
		id = parent
	}
	v.rebuild()
	v.list.Bottom()
	if at := slices.Index(v.shown, v.items[target]); at < len(v.shown)-1 && v.width > 0 {
		v.Layout(v.width, v.height)
		v.list.Show(at)
	}
}

func streamFailure(err error) string {
	if err == nil {
		return "The stream ended before the answer did."
	}
	return "Lost the stream: " + sanitize.Line(chat.AsError(err).Message)
}
