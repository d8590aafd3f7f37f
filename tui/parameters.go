package tui

import (
	"context"
	"regexp"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/backend"
	"chat/tui/lists"
	"chat/tui/panel"
)

// parameterLine matches a line that sets a parameter, such as "/temperature 0.2".
var parameterLine = regexp.MustCompile(`^/(temperature|top[-_]p|max[-_]tokens|effort|stop|seed) +(\S.*)$`)

// noParameter is what a user writes to leave a parameter to the provider.
const noParameter = "default"

func canKeepParameters(m *Model) bool {
	_, ok := m.backend.(backend.ParameterKeeper)
	return ok
}

// ownParameters are those of the open conversation, with the changes that it does not have
// yet.
func (m *Model) ownParameters() *chat.Parameters {
	return chat.ParameterSources{Request: m.parameters, Conversation: m.conversation.Parameters()}.Resolve()
}

// modelParameters are those of the model in the settings.
func (m *Model) modelParameters() *chat.Parameters {
	if m.parametersOf == nil {
		return nil
	}
	return m.parametersOf(m.modelName())
}

// parameterLabel names the parameters of the next message for the header.
func (m *Model) parameterLabel() string {
	return chat.ParameterSources{Conversation: m.ownParameters(), Model: m.modelParameters()}.Resolve().String()
}

// chooseParameters lists the parameters of the open conversation.
func (m *Model) chooseParameters() tea.Cmd {
	l := &panel.List{
		Panel:   &panel.Panel{Title: "Parameters of this conversation", Field: "filter"},
		Kind:    parameterList,
		Refresh: func() []panel.Item { return lists.Parameters(m.ownParameters(), m.modelParameters()) },
	}
	l.Pick = func(it panel.Item) tea.Cmd {
		m.list.Reopen(l)
		m.askParameter(it.ID, m.ownParameters().Get(it.ID))
		return nil
	}
	m.show(l)
	return nil
}

// hasParameters reports whether the rows of the open list stand for parameters.
func hasParameters(m *Model) bool { return m.list.Is(modelList) || m.list.Is(conversationList) }

// chooseSelectedParameters chooses the selected model or opens the selected conversation,
// and lists the parameters.
func (m *Model) chooseSelectedParameters() tea.Cmd {
	it, ok := m.list.Current().Current()
	switch {
	case ok && m.list.Is(modelList):
		m.model = it.ID
	case ok && it.ID != m.conversation.ID():
		return tea.Batch(m.openConversation(it.ID), m.chooseParameters())
	}
	return m.chooseParameters()
}

// askParameter asks for the value of a parameter, until it is valid or the question is
// dismissed.
func (m *Model) askParameter(name, text string) {
	m.askFor(name, text, func(value string) tea.Cmd {
		cmd, problem := m.setParameter(name, value)
		if problem != "" {
			m.askParameter(name, value)
			m.warn(problem)
		}
		return cmd
	})
	m.say("a value; an empty one, or " + noParameter + ", leaves it to the provider")
}

// setParameterLine handles a line that sets a parameter; false if it is none.
func (m *Model) setParameterLine(draft string) (cmd tea.Cmd, ok bool) {
	words := parameterLine.FindStringSubmatch(strings.TrimRight(draft, " \n"))
	if words == nil || !canKeepParameters(m) {
		return nil, false
	}
	cmd, problem := m.setParameter(strings.ReplaceAll(words[1], "-", "_"), words[2])
	if problem != "" {
		m.warn(problem + "; to send the line as a message, put a space before it")
		return nil, true
	}
	kept := m.input.Remember(draft)
	m.input.Set("")
	return tea.Batch(cmd, kept), true
}

// parametersMsg is the result of changing the parameters of a conversation.
type parametersMsg struct {
	session      int
	old, changed *chat.Parameters
	err          error
}

// setParameter sets a parameter of the open conversation, or says why it cannot.
func (m *Model) setParameter(name, value string) (cmd tea.Cmd, problem string) {
	if m.conversation.Loading() {
		return nil, "the conversation is still being opened"
	}
	changed := chat.Parameters{}
	if p := m.ownParameters(); p != nil {
		changed = *p
	}
	said := name + " is not set"
	if text := strings.TrimSpace(value); text == "" || text == noParameter {
		changed.Clear(name)
	} else {
		if what := changed.Set(name, value); what != "" {
			return nil, sanitize.Line(name + " " + what)
		}
		said = sanitize.Line(name + " is " + changed.Get(name))
	}
	old := m.conversation.Parameters()
	m.parameters = &changed
	m.conversation.SetParameters(changed.Lasting())
	m.say(said + " from the next message on")
	m.list.Refresh()
	backend, ok := m.backend.(backend.ParameterKeeper)
	id, session := m.conversation.ID(), m.conversation.Session()
	if id == "" || !ok {
		return nil, "" // the next message takes them along
	}
	return m.jobs.Command(func(ctx context.Context) tea.Msg {
		return parametersMsg{session, old, &changed, backend.SetParameters(ctx, id, changed.Lasting())}
	}), ""
}

// parametersSet handles the result of changing parameters.
func (m *Model) parametersSet(msg parametersMsg) tea.Cmd {
	if msg.err != nil {
		m.warn("the parameters were not changed: " + sentence(msg.err))
	}
	if msg.session == m.conversation.Session() && m.parameters == msg.changed {
		m.parameters = nil
		if msg.err != nil {
			m.conversation.SetParameters(msg.old)
		}
		m.list.Refresh()
	}
	return m.poll()
}
