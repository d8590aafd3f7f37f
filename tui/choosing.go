package tui

import (
	"context"
	"strconv"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/sanitize"
	"chat/tui/backend"
	"chat/tui/keymap"
	"chat/tui/lists"
	"chat/tui/panel"
)

// The lists that can be opened.
const (
	conversationList panel.Kind = iota
	taskList
	modelList
	promptList
	commandList
	parameterList
)

func (m *Model) show(l *panel.List) {
	m.help = nil
	m.list.Show(l)
}

// pick does what the selected row of the open list stands for.
func (m *Model) pick() tea.Cmd {
	l := m.list.Current()
	it, ok := l.Current()
	if !ok && (l.Word == "" || l.Query() != strings.TrimPrefix(l.Word, "/")) {
		return nil
	}
	m.list.Close()
	if !ok { // not a command: the word is a message
		return m.submitWith(l.Word)
	}
	return l.Pick(it)
}

func (m *Model) closePopup() tea.Cmd {
	var kept tea.Cmd
	if l := m.list.Current(); l != nil {
		kept = m.input.Remember(l.Word)
	}
	m.help = nil
	m.list.Close()
	if m.conversation.ID() == "" && m.opening.prompt != "" { // the user chose no conversation for it
		m.checkRoom(m.input.Insert(m.opening.prompt))
		m.opening.prompt = ""
	}
	return kept
}

// chooseCommand lists what can be done now, from the table of keys.
func (m *Model) chooseCommand() tea.Cmd {
	commands := m.keys.Commands(m)
	items := make([]panel.Item, 0, len(commands))
	actions := map[string]func(*Model) tea.Cmd{}
	for _, b := range commands {
		actions[b.Name] = b.Do
		items = append(items, panel.Item{ID: b.Name, Title: b.What, Detail: strings.Join(keymap.ShownAll(b.Keys), ", "), Hidden: b.Name})
	}
	m.show(&panel.List{
		Panel:   &panel.Panel{Title: "Commands", Field: "do"},
		Kind:    commandList,
		Refresh: func() []panel.Item { return items },
		Pick:    func(it panel.Item) tea.Cmd { return actions[it.ID](m) },
	})
	return nil
}

// chooseSlashed offers the commands that fit a word after a slash.
func (m *Model) chooseSlashed(word string) tea.Cmd {
	m.input.Set("")
	cmd := m.chooseCommand()
	l := m.list.Current()
	l.Word = word
	l.SetQuery(strings.TrimPrefix(word, "/"))
	if _, found := l.Current(); !found {
		m.say("no command is called " + word + ": " + m.keys.HintAt(keymap.Choosing, "pick") + " sends it as a message")
		return cmd
	}
	m.say("choose a command; to send " + word + " as a message, put a space before it")
	return cmd
}

// choosePrompt searches the earlier prompts, the newest first.
func (m *Model) choosePrompt() tea.Cmd {
	prompts := m.input.Prompts()
	items := lists.Prompts(prompts)
	m.show(&panel.List{
		Panel:   &panel.Panel{Title: "Earlier prompts", Field: "find", Empty: "there are no earlier prompts"},
		Kind:    promptList,
		Refresh: func() []panel.Item { return items },
		Pick: func(it panel.Item) tea.Cmd {
			if i, err := strconv.Atoi(it.ID); err == nil && i < len(prompts) {
				m.input.RecallFrom(prompts, i)
				m.conversation.Leave()
			}
			return nil
		},
	})
	return nil
}

// chooseConversation opens the list of conversations. The newest are known from
// the last poll; typing also searches the messages of all.
func (m *Model) chooseConversation() tea.Cmd {
	backend := m.backend
	l := &panel.List{
		Panel: &panel.Panel{
			Title: "Conversations", Field: "find", Loading: !m.server.Contacted(),
			Empty: "no conversation yet: enter a message to begin one",
		},
		Kind:    conversationList,
		Refresh: m.conversationItems,
		Search: func(ctx context.Context, query string) ([]panel.Item, error) {
			list, err := backend.Conversations(ctx, query)
			return lists.Conversations(list, time.Now()), err
		},
	}
	l.Pick = func(it panel.Item) tea.Cmd { return m.openAt(it.ID, l.NoteOf(it.ID).At) }
	m.show(l)
	return m.poll()
}

func (m *Model) conversationItems() []panel.Item {
	items := lists.Conversations(m.server.Recent(), m.style.Now)
	for i := range items {
		switch id := items[i].ID; {
		case m.server.Answering(id):
			items[i].Mark = panel.Running
		case m.server.Unseen(id):
			items[i].Mark = panel.News
		}
	}
	return m.visible(items)
}

// maxSnippets bounds the conversations in which the words of a search are found.
const maxSnippets = 12

// findNotes finds the snippets of the conversations that a search has found.
func (m *Model) findNotes() tea.Cmd {
	finder, ok := m.backend.(backend.SnippetFinder)
	if !ok || !m.list.Is(conversationList) {
		return nil
	}
	return m.list.FindNotes(func(ctx context.Context, query string) (map[string]panel.Note, error) {
		matches, err := finder.Snippets(ctx, query, maxSnippets)
		return lists.Notes(matches), err
	})
}

// chooseTask opens the list of tasks: those that run, and the newest that have
// ended if the backend lists them.
func (m *Model) chooseTask() tea.Cmd {
	m.show(&panel.List{
		Panel: &panel.Panel{
			Title: "Tasks", Field: "filter", Loading: !m.server.Contacted(), Empty: "no task is running",
		},
		Kind: taskList,
		Refresh: func() []panel.Item {
			tasks := m.server.Tasks()
			items := make([]panel.Item, 0, len(tasks))
			for _, t := range tasks {
				items = append(items, lists.Task(t, m.titleByID(t.ConversationID), m.style.Now))
			}
			return items
		},
		Pick: func(it panel.Item) tea.Cmd {
			if t, ok := m.server.Task(it.ID); ok {
				return m.openAt(t.ConversationID, t.MessageID)
			}
			return nil
		},
	})
	return m.poll()
}

// stopSelected stops the task that is selected in the list.
func (m *Model) stopSelected() tea.Cmd {
	it, ok := m.list.Current().Current()
	if !ok {
		return nil
	}
	t, ok := m.server.Task(it.ID)
	if !ok || t.State.Terminal() {
		m.say("that task has ended already")
		return nil
	}
	m.say("stopping “" + it.Title + "”")
	return m.stop(t.ID)
}

// chooseModel opens the list of models.
func (m *Model) chooseModel() tea.Cmd {
	backend, current, title := m.backend, m.modelName(), "Models"
	if label := m.parameterLabel(); label != "" {
		title += " · " + sanitize.Line(label)
	}
	m.show(&panel.List{
		Panel: &panel.Panel{Title: title, Field: "filter", Empty: "the server has no models"},
		Kind:  modelList,
		Search: func(ctx context.Context, _ string) ([]panel.Item, error) {
			list, err := backend.Models(ctx)
			return lists.Models(list, current), err
		},
		Pick: func(it panel.Item) tea.Cmd {
			m.model = it.ID
			m.say("the next messages go to " + it.Title)
			return nil
		},
	})
	return m.list.LoadOnce()
}
