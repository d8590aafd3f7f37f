package conversation

import (
	"cmp"
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/attach"
	"chat/tui/transcript"
)

// SentMsg is the result of sending a message.
type SentMsg struct {
	Session  int
	Draft    string
	After    string // the message that it answers to, "" for the newest, chat.RootParent for none
	Accepted chat.Accepted
	Err      error
	// Parameters were sent with the message. A new conversation has them.
	Parameters *chat.Parameters
}

// Send shows a message after the last one shown, and sends it with the choices of a
// submission: its model and parameters.
func (v *View) Send(draft string, choices chat.Submission, now time.Time) tea.Cmd {
	after := v.leaf()
	if after == v.tree.Newest() {
		after = "" // the server finds it, and what another screen adds meanwhile too
	}
	return v.SendAfter(draft, after, choices, now)
}

// SendAfter shows a message immediately, and sends it.
func (v *View) SendAfter(draft, after string, choices chat.Submission, now time.Time) tea.Cmd {
	parts := attach.ParseDraft(draft)
	v.pending = transcript.NewMessage(chat.Message{Role: chat.RoleUser, Parts: parts, CreatedAt: now}, v.style)
	v.pending.Sending, v.after = true, after
	v.branch = nil
	if v.conversation.Title == "" {
		v.conversation.Title = parts.Title()
	}
	v.rebuild()
	v.list.Bottom()
	session, backend, id := v.session, v.backend, v.conversation.ID
	sub := choices
	sub.Parts, sub.ParentID = parts, after
	return v.jobs.Command(func(ctx context.Context) tea.Msg {
		accepted, err := backend.Send(ctx, id, sub)
		return SentMsg{session, draft, after, accepted, err, sub.Parameters}
	})
}

// Sent shows that the server has accepted a message.
func (v *View) Sent(msg SentMsg, model string, now time.Time) tea.Cmd {
	v.pending, v.after = nil, ""
	a := msg.Accepted
	v.conversation.ID = a.ConversationID
	parent := cmp.Or(msg.After, v.leaf())
	if parent == chat.RootParent {
		parent = ""
	}
	cmd := v.accept(
		chat.Message{ID: a.UserMessageID, ParentID: parent, Role: chat.RoleUser, Parts: attach.ParseDraft(msg.Draft), CreatedAt: now},
		v.answerOf(a, model, now))
	v.choices[parent] = a.UserMessageID
	v.rebuild()
	return cmd
}

// Refused takes back a message that was not accepted. The branch that it belongs
// to is open again unless a newer one is.
func (v *View) Refused(msg SentMsg) {
	v.pending, v.after = nil, ""
	if v.conversation.ID == "" {
		v.conversation.Title = ""
	}
	if msg.After != "" && v.branch == nil {
		v.branch = &Branch{After: msg.After, Label: "fork"}
		if msg.After == chat.RootParent {
			v.branch = &Branch{Label: "edit"}
		}
	}
	v.rebuild()
}

// AddAnswer shows another answer, which the server has accepted, and follows it.
func (v *View) AddAnswer(a chat.Accepted, model string, now time.Time) tea.Cmd {
	cmd := v.accept(v.answerOf(a, model, now))
	v.choices[a.UserMessageID] = a.MessageID
	v.rebuild()
	v.list.Bottom()
	if v.reading { // the versions beside it are a key away
		v.style.Selected = v.items[a.MessageID]
	}
	return cmd
}

// AnswerTo is the answer to a prompt that is shown, nil if there is none.
func (v *View) AnswerTo(id string) *transcript.Message {
	for i, item := range v.shown {
		if item.ID == id && i+1 < len(v.shown) {
			return v.shown[i+1]
		}
	}
	return nil
}

// answerOf is the message that an accepted task will make.
func (v *View) answerOf(a chat.Accepted, model string, now time.Time) chat.Message {
	return chat.Message{
		ID: a.MessageID, ParentID: a.UserMessageID, TaskID: a.TaskID, Role: chat.RoleAssistant, State: chat.TaskQueued,
		Model: cmp.Or(model, v.conversation.Model), CreatedAt: now,
	}
}
