package tui

import (
	"cmp"
	"regexp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/conversation"
	"chat/tui/drafting"
	"chat/tui/input"
	"chat/tui/keymap"
)

// slashed matches a message that is one word after a slash: the name of a command
// in other programs, and rarely a question to a model.
var slashed = regexp.MustCompile(`^/[a-z][a-z-]*$`)

// submit sends the draft, or queues it while an answer is running.
func (m *Model) submit() tea.Cmd {
	draft := m.input.Value()
	switch {
	case strings.TrimSpace(draft) == "":
		return nil
	case m.conversation.Loading():
		m.say("the conversation is still being opened")
		return nil
	case slashed.MatchString(strings.TrimRight(draft, " ")):
		return m.chooseSlashed(strings.TrimRight(draft, " "))
	}
	if cmd, ok := m.setParameterLine(draft); ok {
		return cmd
	}
	return m.submitWith(draft)
}

// submitWith reads the files that a draft mentions, and then submits it.
func (m *Model) submitWith(draft string) tea.Cmd {
	if !input.Mentions(draft) {
		return m.submitMessage(draft)
	}
	if m.input.Attaching() {
		m.say("the files are still being uploaded")
		return nil
	}
	return m.input.Attach(draft, m.conversation.Session())
}

// attached submits a draft with its files.
func (m *Model) attached(msg input.AttachedMsg) tea.Cmd {
	send, problem, asText := m.input.Attached(msg, m.conversation.Session())
	if asText {
		problem += "; " + m.keys.HintAt(keymap.Writing, "send") + " again sends it as text"
	}
	if problem != "" {
		m.warn(problem)
	}
	if !send {
		return nil
	}
	return m.submitMessage(msg.Message)
}

// submitMessage submits a draft whose files are read.
func (m *Model) submitMessage(draft string) tea.Cmd {
	c := m.conversation
	switch {
	case c.Branch() != nil:
		return m.submitBranch(draft)
	case c.Busy() != nil || c.Pending() != nil || len(m.queue.Of(c.ID())) > 0:
		if m.queueFull() { // the draft stays as it is, its files still mentions
			return nil
		}
		m.input.Set("")
		return m.enqueueAt(len(m.queue.Of(c.ID())), draft)
	}
	m.input.Set("")
	return m.send(draft)
}

func (m *Model) submitBranch(draft string) tea.Cmd {
	if m.blocked() {
		return nil
	}
	b := m.conversation.Branch()
	m.fill(b.Stash)
	send := m.conversation.SendAfter(draft, cmp.Or(b.After, chat.RootParent), m.choices(), m.style.Now)
	return tea.Batch(send, m.input.Remember(input.Words(draft)))
}

func (m *Model) sendPrompt() tea.Cmd {
	prompt := m.opening.prompt
	m.opening.prompt = ""
	if strings.TrimSpace(prompt) == "" {
		return nil
	}
	return m.send(prompt)
}

// choices are what the user has chosen for the next message: the model and parameters.
func (m *Model) choices() chat.Submission {
	return chat.Submission{Model: m.model, Parameters: m.parameters.Lasting()}
}

// send sends a message after the last one shown.
func (m *Model) send(draft string) tea.Cmd {
	return tea.Batch(m.conversation.Send(draft, m.choices(), m.style.Now), m.input.Remember(input.Words(draft)))
}

func (m *Model) sent(msg conversation.SentMsg) tea.Cmd {
	if msg.Session != m.conversation.Session() { // the conversation is no longer open
		if msg.Err != nil {
			m.warn("the message to the other conversation was not sent (" + m.keys.Hint("up") + " brings it back): " + sentence(msg.Err))
		}
		return m.poll()
	}
	if msg.Err != nil {
		return m.refused(msg)
	}
	if m.conversation.ID() == "" { // it has got its id
		m.queue.Move(msg.Accepted.ConversationID)
		m.drafts.Move()
		m.conversation.SetParameters(msg.Parameters)
		if m.parameters.Lasting().String() == msg.Parameters.String() {
			m.parameters = nil
		}
	}
	return tea.Batch(m.conversation.Sent(msg, m.model, m.style.Now), m.poll())
}

// refused puts a message that was not accepted back into the input. If another
// screen's answer is being made, the message waits for it.
func (m *Model) refused(msg conversation.SentMsg) tea.Cmd {
	m.conversation.Refused(msg)
	if chat.IsCode(msg.Err, chat.CodeBusy) && msg.After == "" {
		cmd := m.enqueueAt(0, msg.Draft) // it was sent before those that wait were written
		return tea.Batch(cmd, m.poll())
	}
	m.fill(drafting.Join(msg.Draft, m.input.Value()))
	m.warn("not sent: " + sentence(msg.Err))
	return nil
}

// fill puts a message into the input, its files as labels.
func (m *Model) fill(message string) { m.checkRoom(m.input.Fill(message)) }

// checkRoom warns if a text did not fit into the input.
func (m *Model) checkRoom(fits bool) {
	if !fits {
		m.warn(input.TooLong)
	}
}
