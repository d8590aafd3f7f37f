package tui

import (
	"cmp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/follow"
	"chat/tui/sanitize"
	"chat/tui/transcript"
)

// begin leaves the open conversation for an empty one. Its tasks go on; only the
// following ends.
func (m *Model) begin() {
	m.leaveDraft()
	m.session++
	for id := range m.follows {
		m.hub.Stop(id)
	}
	clear(m.follows)
	m.link.forget()
	m.take(chat.Conversation{})
	m.loading, m.catching, m.pending = false, false, nil
	m.setItems(nil)
	m.reading, m.picker, m.help = false, nil, nil
}

func (m *Model) openConversation(id string) tea.Cmd {
	m.begin()
	m.conversation.ID, m.loading = id, true
	return tea.Batch(m.openCommand(id), m.draftCommand())
}

func (m *Model) opened(msg openedMsg) tea.Cmd {
	if msg.session != m.session {
		return nil
	}
	m.loading = false
	if msg.err != nil {
		m.conversation = chat.Conversation{}
		m.complain(sentence(msg.err))
		return m.sendPrompt()
	}
	m.take(msg.conversation)
	return tea.Batch(m.reconcile(msg.messages), m.sendPrompt())
}

// follow attaches a message to its task's stream.
func (m *Model) follow(item *transcript.Message) tea.Cmd {
	m.followers++
	m.follows[m.followers] = item
	return m.followCommand(m.followers, item.TaskID)
}

func (m *Model) sendPrompt() tea.Cmd {
	prompt := m.prompt
	m.prompt = ""
	if strings.TrimSpace(prompt) == "" {
		return nil
	}
	return m.send(prompt)
}

// send shows the message at once and submits it.
func (m *Model) send(draft string) tea.Cmd {
	m.pending = transcript.NewMessage(chat.Message{
		Role: chat.RoleUser, Content: draft, CreatedAt: m.look.Now,
	}, m.look)
	m.pending.Sending = true
	if m.conversation.Title == "" {
		m.conversation.Title = chat.TitleFrom(draft)
	}
	m.append(m.pending)
	m.list.Bottom()
	return tea.Batch(m.sendCommand(draft), m.remember(draft))
}

func (m *Model) sent(msg sentMsg) tea.Cmd {
	if msg.session != m.session {
		if msg.err != nil {
			m.complain("the message to the other conversation was not sent (up brings it back): " + sentence(msg.err))
		}
		return m.beatCommand()
	}
	user := m.pending
	m.pending = nil
	if msg.err != nil {
		m.unsend(user)
		m.input.Set(joinDrafts(msg.draft, m.input.Value()))
		m.complain("not sent: " + sentence(msg.err))
		return nil
	}
	a := msg.accepted
	user.Sending, user.ID = false, a.UserMessageID
	m.moveDraft(a.ConversationID)
	answer := transcript.NewMessage(chat.Message{
		ID: a.MessageID, TaskID: a.TaskID, Role: chat.RoleAssistant, State: chat.TaskQueued,
		Model: cmp.Or(m.model, m.conversation.Model), CreatedAt: m.look.Now,
	}, m.look)
	m.append(answer)
	return tea.Batch(m.follow(answer), m.beatCommand())
}

// unsend takes a message that was not accepted off the screen.
func (m *Model) unsend(user *transcript.Message) {
	var rest []*transcript.Message
	for _, item := range m.messages {
		if item != user {
			rest = append(rest, item)
		}
	}
	m.setItems(rest)
	if m.conversation.ID == "" {
		m.conversation.Title = ""
	}
}

// frames applies what the followed tasks have yielded since the last frame.
func (m *Model) frames(batches []follow.Batch) tea.Cmd {
	var cmds []tea.Cmd
	for _, b := range batches {
		item := m.follows[b.ID]
		if item == nil {
			continue // of a conversation that is no longer open
		}
		if b.Link != nil {
			m.link.follower(b.ID, *b.Link, m.look.Now)
		}
		ended := b.Ended
		for _, c := range b.Chunks {
			item.Apply(c)
			ended = ended || c.Terminal()
		}
		if !ended {
			continue
		}
		delete(m.follows, b.ID)
		m.link.end(b.ID)
		m.ended[item.TaskID] = b.Err == nil
		if item.Running() { // no terminal chunk: the stream itself has failed
			item.Fail(streamEnd(b.Err))
		}
		cmds = append(cmds, m.recordCommand(), m.beatCommand())
	}
	return tea.Batch(cmds...)
}

func streamEnd(err error) string {
	if err == nil {
		return "The stream ended early; the answer may still be going on. Open the conversation again to see it."
	}
	return "Lost the stream: " + sentence(err)
}

func (m *Model) stopped(msg stoppedMsg) {
	if msg.err == nil {
		return // the stream says how it ended
	}
	m.complain("not stopped: " + sentence(msg.err))
	for _, item := range m.messages {
		if item.TaskID == msg.taskID {
			item.Stopping = false
		}
	}
}

// sentence is an error as one clean row.
func sentence(err error) string { return sanitize.Line(chat.AsError(err).Message) }
