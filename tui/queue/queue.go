// Package queue is the send queue. Messages that are entered while an answer is
// being made wait for it, each conversation's in a queue of its own. The server
// does not have them yet: on disk they are part of the draft, and a screen that
// ends leaves them there.
package queue

import (
	"context"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	"chat/tui/drafting"
	"chat/tui/jobs"
	"chat/tui/transcript"
)

// MaxWaiting bounds the messages that wait in one conversation.
const MaxWaiting = 20

// Backend reads the last answer of a conversation and sends to it.
type Backend interface {
	Messages(ctx context.Context, conversationID string) (chat.Conversation, []chat.Message, error)
	Send(ctx context.Context, conversationID string, sub chat.Submission) (chat.Accepted, error)
}

// Queue is the messages that wait, by conversation.
type Queue struct {
	jobs    *jobs.Runner
	backend Backend
	waiting map[string][]*transcript.Message
	sending map[string]bool // conversations whose first message SendFirst sends
}

// New returns an empty Queue.
func New(j *jobs.Runner, backend Backend) *Queue {
	return &Queue{jobs: j, backend: backend, waiting: map[string][]*transcript.Message{}, sending: map[string]bool{}}
}

// SentMsg is the result of sending the first message of a conversation that is
// not open.
type SentMsg struct {
	Conversation string
	Accepted     bool
	failed       bool // the answer before it has failed
	err          error
}

// Of are the messages that wait in a conversation. Do not change the slice.
func (q *Queue) Of(id string) []*transcript.Message { return q.waiting[id] }

// Len is the number of messages that wait in all conversations.
func (q *Queue) Len() int {
	n := 0
	for _, waiting := range q.waiting {
		n += len(waiting)
	}
	return n
}

// Full reports whether no more messages may wait in a conversation.
func (q *Queue) Full(id string) bool { return len(q.waiting[id]) >= MaxWaiting }

// Insert adds a message at an index, 0 for the first. The caller has checked Full.
func (q *Queue) Insert(id string, at int, item *transcript.Message) {
	item.Waiting = true
	q.waiting[id] = slices.Insert(slices.Clone(q.waiting[id]), at, item)
}

// TakeFirst removes the first message that waits and returns its text.
func (q *Queue) TakeFirst(id string) string { return q.take(id, 0) }

// TakeLast removes the last message that waits and returns its text.
func (q *Queue) TakeLast(id string) string { return q.take(id, len(q.waiting[id])-1) }

func (q *Queue) take(id string, at int) string {
	waiting := q.waiting[id]
	text := waiting[at].Draft()
	rest := slices.Concat(waiting[:at], waiting[at+1:])
	if len(rest) == 0 {
		delete(q.waiting, id)
	} else {
		q.waiting[id] = rest
	}
	return text
}

// TakeAll removes all messages that wait and returns their text.
func (q *Queue) TakeAll(id string) string {
	text := q.Text(id)
	delete(q.waiting, id)
	return text
}

// Text is the text of the messages that wait in a conversation.
func (q *Queue) Text(id string) string {
	text := ""
	for _, item := range q.waiting[id] {
		text = drafting.Join(text, item.Draft())
	}
	return text
}

// Move gives the messages that wait in the new conversation its id.
func (q *Queue) Move(id string) {
	if waiting := q.waiting[""]; len(waiting) > 0 {
		q.waiting[id] = waiting
		delete(q.waiting, "")
	}
}

// Sending reports whether SendFirst is sending a message of a conversation.
func (q *Queue) Sending(id string) bool { return q.sending[id] }

// SendFirst sends the first message that waits in each conversation where nothing
// runs, except the open one. After a failed answer it sends nothing: the next
// answer would probably fail too, so the user decides.
func (q *Queue) SendFirst(open, model string, running []chat.Task) tea.Cmd {
	busy := map[string]bool{open: true}
	for _, t := range running {
		busy[t.ConversationID] = true
	}
	var cmds []tea.Cmd
	for id, waiting := range q.waiting {
		if id != "" && !busy[id] && !q.sending[id] {
			q.sending[id] = true
			cmds = append(cmds, q.sendCommand(id, chat.Submission{Parts: attach.ParseDraft(waiting[0].Draft()), Model: model}))
		}
	}
	return tea.Batch(cmds...)
}

func (q *Queue) sendCommand(id string, sub chat.Submission) tea.Cmd {
	backend := q.backend
	return q.jobs.Command(func(ctx context.Context) tea.Msg {
		_, messages, err := backend.Messages(ctx, id)
		if err != nil {
			return SentMsg{Conversation: id, err: err}
		}
		if n := len(messages); n > 0 && Failed(messages[n-1].State) {
			return SentMsg{Conversation: id, failed: true}
		}
		_, err = backend.Send(ctx, id, sub)
		return SentMsg{Conversation: id, Accepted: err == nil, err: err}
	})
}

// Failed reports whether messages must not be sent automatically after an answer
// in this state.
func Failed(s chat.TaskState) bool {
	return s == chat.TaskFailed || s == chat.TaskInterrupted
}

// Sent ends a SendFirst. It returns the text that was sent, or the text that was
// given up; neither if the message is to be sent again later.
func (q *Queue) Sent(msg SentMsg) (sent, dropped string) {
	id := msg.Conversation
	delete(q.sending, id)
	switch {
	case len(q.waiting[id]) == 0:
	case msg.Accepted:
		return q.TakeFirst(id), ""
	case msg.failed || !chat.AsError(msg.err).Retryable && !chat.IsCode(msg.err, chat.CodeBusy):
		return "", q.TakeAll(id)
	}
	return "", ""
}
