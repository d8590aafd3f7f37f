package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/follow"
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
	m.loading, m.catching, m.pending, m.pendingAfter, m.branch = false, false, nil, "", nil
	delete(m.queue, "") // the draft of new conversations has it
	m.record = newRecord()
	m.rebuild()
	m.list.Bottom()
	m.reading, m.look.Chosen, m.panel, m.help, m.question, m.target = false, nil, nil, nil, nil, ""
}

func (m *Model) openConversation(id string) tea.Cmd {
	m.begin()
	m.conversation.ID, m.loading = id, true
	return tea.Batch(m.openCommand(id), m.draftCommand())
}

// openAt opens a conversation on the branch that has a message.
func (m *Model) openAt(id, message string) tea.Cmd {
	open := m.openConversation(id)
	m.target = message
	return open
}

func (m *Model) opened(msg openedMsg) tea.Cmd {
	if msg.session != m.session {
		return nil
	}
	m.loading = false
	if msg.err != nil {
		m.begin()
		m.warn(sentence(msg.err))
		return tea.Batch(m.draftCommand(), m.sendPrompt())
	}
	m.take(msg.conversation)
	follow := m.reconcile(msg.messages)
	m.showTarget()
	return tea.Batch(follow, m.sendPrompt())
}

// showTarget takes the branch that has the message which was asked for.
func (m *Model) showTarget() {
	target := m.target
	id := target
	m.target = ""
	if m.record.items[id] == nil {
		return
	}
	for id != "" {
		parent := m.record.tree.Parent(id)
		m.record.choices[parent] = id
		id = parent
	}
	m.rebuild()
	m.list.Bottom()
	if at := slices.Index(m.messages, m.record.items[target]); at < len(m.messages)-1 && m.width > 0 {
		m.arrange()
		m.list.Show(at)
	}
}

// follow attaches a message to its task's stream.
func (m *Model) follow(item *transcript.Message) tea.Cmd {
	m.followers++
	m.follows[m.followers] = item
	return m.followCommand(m.followers, item.TaskID)
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
		cmds = append(cmds, m.answered(item), m.recordCommand(), m.pollCommand())
	}
	return tea.Batch(append(cmds, m.sendNextQueued())...)
}

func streamEnd(err error) string {
	if err == nil {
		return "The stream has ended without an end of the answer."
	}
	return "Lost the stream: " + sentence(err)
}

func (m *Model) stopped(msg stoppedMsg) tea.Cmd {
	if msg.err == nil {
		return m.pollCommand() // the stream says how it ended
	}
	m.warn("not stopped: " + sentence(msg.err))
	for _, item := range m.messages {
		if item.TaskID == msg.taskID {
			item.Stopping = false
		}
	}
	return nil
}

// sentence is an error as one clean row.
func sentence(err error) string { return sanitize.Line(chat.AsError(err).Message) }
