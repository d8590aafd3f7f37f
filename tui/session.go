package tui

import (
	"cmp"
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"chat"
	"chat/tui/connection"
	"chat/tui/conversation"
	"chat/tui/lists"
)

// leave leaves the open conversation for a new, empty one. Its tasks continue.
func (m *Model) leave() {
	m.leaveDraft()
	m.conversation.Close()
	m.server.EndStreams()
	m.queue.TakeAll("") // the draft of new conversations has it
	m.list.Close()
	m.help, m.question = nil, nil
	m.parameters = m.opening.parameters
}

func (m *Model) newConversation() tea.Cmd {
	m.leave()
	return tea.Batch(m.loadDraft(), m.loadModels()) // the server may have another default by now
}

func (m *Model) openConversation(id string) tea.Cmd { return m.openAt(id, "") }

// openAt opens a conversation on the branch that has a message; "" means the
// newest one.
func (m *Model) openAt(id, message string) tea.Cmd {
	first := m.opening.conversation != "" || m.opening.choose
	m.opening.conversation, m.opening.choose = "", false
	m.leave()
	if !first {
		m.parameters = nil
	}
	return tea.Batch(m.conversation.Open(id, message), m.loadDraft())
}

func (m *Model) opened(msg conversation.OpenedMsg) tea.Cmd {
	if msg.Session != m.conversation.Session() {
		return nil
	}
	if msg.Err != nil {
		m.leave()
		m.warn(sentence(msg.Err))
		return tea.Batch(m.loadDraft(), m.sendPrompt())
	}
	m.server.SetSeen(msg.Conversation.ID)
	cmd := m.conversation.Opened(msg, m.queue.Of(msg.Conversation.ID))
	m.list.Refresh()
	return tea.Batch(cmd, m.sendPrompt())
}

func (m *Model) refreshed(msg conversation.RefreshedMsg) tea.Cmd {
	cmd, ok := m.conversation.Refreshed(msg)
	if ok {
		m.server.SetSeen(m.conversation.ID())
	}
	return cmd
}

// streamed handles what the followed tasks have yielded since the last frame.
func (m *Model) streamed(msg conversation.BatchesMsg) tea.Cmd {
	var cmds []tea.Cmd
	for _, e := range m.conversation.Apply(msg) {
		if e.Conn != nil {
			m.server.SetStream(e.Stream, *e.Conn, m.style.Now)
		}
		if e.Ended == nil {
			continue
		}
		m.server.EndStream(e.Stream)
		m.server.SetEnded(e.Ended.TaskID, e.Err == nil)
		cmds = append(cmds, m.notify(m.conversation.ID(), e.Ended.At(), e.Ended.State()), m.conversation.Refresh(), m.poll(), m.offerSummary(e.Ended))
	}
	return tea.Batch(append(cmds, m.sendNextQueued())...)
}

// poll asks the server what has changed.
func (m *Model) poll() tea.Cmd { return m.server.Poll(m.list.Is(taskList)) }

func (m *Model) polled(msg connection.PolledMsg) tea.Cmd {
	if msg.Seq != m.server.Seq() {
		return nil // a newer one is under way
	}
	m.list.SetLoaded()
	if msg.Err != nil {
		return m.server.Failed(msg.Err, m.style.Now)
	}
	var models tea.Cmd
	if m.server.Failures() > 0 { // it may be another server by now
		models = m.loadModels()
	}
	m.conversation.SetStatus(msg.Running)
	ended := m.sayEnded(m.server.Apply(msg, m.conversation.ID(), m.style.Now))
	for _, c := range msg.Conversations {
		if c.ID == m.conversation.ID() {
			m.conversation.SetTitle(c.Title)
		}
	}
	m.list.Refresh()
	return tea.Batch(ended, models, m.conversation.CatchUp(msg.Conversations, msg.Running), m.sendNextQueued(),
		m.queue.SendFirst(m.conversation.ID(), m.model, m.server.Running()), m.server.Next(m.touched, m.style.Now))
}

// sayEnded reports which answers have ended in conversations that are not open.
func (m *Model) sayEnded(tasks []chat.Task) tea.Cmd {
	var cmds []tea.Cmd
	for _, t := range tasks {
		m.say("the answer in “" + m.titleByID(t.ConversationID) + "” " + endOf(t.State))
		cmds = append(cmds, m.notify(t.ConversationID, t.CreatedAt, t.State))
	}
	return tea.Batch(cmds...)
}

// notify notifies the desktop that an answer has ended.
func (m *Model) notify(conversation string, began time.Time, state chat.TaskState) tea.Cmd {
	text := "the answer in “" + ansi.Truncate(m.titleByID(conversation), 60, "…") + "” " + endOf(state)
	return m.terminal.Notify(text, m.style.Now.Sub(began))
}

func endOf(s chat.TaskState) string {
	switch s {
	case chat.TaskDone:
		return "is complete"
	case chat.TaskFailed:
		return "has failed"
	case chat.TaskInterrupted:
		return "was interrupted"
	case chat.TaskCancelled:
		return "was stopped"
	case chat.TaskQueued, chat.TaskRunning:
	}
	return "has ended"
}

// titleByID is the title of a conversation, as far as it is known.
func (m *Model) titleByID(id string) string {
	if id == m.conversation.ID() {
		return lists.Title(m.conversation.Title())
	}
	for _, c := range m.server.Recent() {
		if c.ID == id {
			return lists.Title(c.Title)
		}
	}
	return "conversation " + lists.ShortID(id)
}

// stoppedMsg is the result of stopping a task.
type stoppedMsg struct {
	taskID string
	err    error
}

func (m *Model) stop(taskID string) tea.Cmd {
	m.conversation.SetStopping(taskID, true)
	backend := m.backend
	return m.jobs.Command(func(ctx context.Context) tea.Msg {
		return stoppedMsg{taskID, backend.Stop(ctx, taskID)}
	})
}

func (m *Model) stopped(msg stoppedMsg) tea.Cmd {
	if msg.err == nil {
		return m.poll() // the stream says how it ended
	}
	m.warn("not stopped: " + sentence(msg.err))
	m.conversation.SetStopping(msg.taskID, false)
	return nil
}

// modelsMsg is the server's default model, and what is known of all models.
type modelsMsg struct {
	model string
	info  map[string]chat.ModelInfo
}

// loadModels asks for the default model and for what the header says of models.
// A failure only leaves the header as it is, so it is not reported.
func (m *Model) loadModels() tea.Cmd {
	backend := m.backend
	return m.jobs.Command(func(ctx context.Context) tea.Msg {
		list, err := backend.Models(ctx)
		if err != nil {
			return nil
		}
		msg := modelsMsg{info: map[string]chat.ModelInfo{}}
		for _, model := range list {
			msg.info[model.ID] = model.ModelInfo
			if model.Default {
				msg.model = model.ID
			}
		}
		return msg
	})
}

// modelName is the model that the next message goes to, as far as it is known.
func (m *Model) modelName() string {
	return cmp.Or(m.model, m.conversation.Model(), m.defaultModel)
}
