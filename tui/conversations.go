package tui

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/panel"
)

// chooseConversation opens the list of conversations, the newest of which are
// known from the last poll. Typing also searches what was said in all of them.
func (m *Model) chooseConversation() tea.Cmd {
	backend := m.backend
	m.show(&openPanel{
		Panel: &panel.Panel{
			Title: "Conversations", Field: "find", Loading: !m.link.contacted,
			Empty: "no conversation yet: enter a message to begin one",
		},
		kind:    conversationsPanel,
		refresh: func() []panel.Item { return m.conversationItems(m.recent) },
		search: func(ctx context.Context, query string) ([]panel.Item, error) {
			list, err := backend.Conversations(ctx, query)
			return foundItems(list, time.Now()), err
		},
	})
	open := m.panel
	open.pick = func(it panel.Item) tea.Cmd { return m.openAt(it.ID, open.NoteOf(it.ID).At) }
	return m.pollCommand()
}

// noted bounds the conversations that are looked into for the words of a search.
const noted = 12

// notesMsg is where in conversations the words of a search stand.
type notesMsg struct {
	panel int
	query string
	notes map[string]panel.Note
}

// notesCommand finds the snippets of what is listed. They are an extra: if they cannot
// be read, there are none.
func (m *Model) notesCommand() tea.Cmd {
	finder, ok := m.backend.(SnippetFinder)
	if p := m.panel; !ok || p.kind != conversationsPanel || len(p.Shown()) == 0 || strings.TrimSpace(p.Query()) == "" {
		return nil
	}
	id, query := m.panel.id, m.panel.Query()
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		notes := map[string]panel.Note{}
		matches, err := finder.Snippets(ctx, query, noted)
		if err != nil {
			return nil
		}
		for _, match := range matches {
			if match.MessageID == "" {
				continue
			}
			note := panel.Note{Text: sanitize.Line(match.Snippet), At: match.MessageID}
			if note.Text == sanitize.Line(match.Title) { // as of a conversation that nobody has named
				note.Text = ""
			}
			notes[match.ID] = note
		}
		return notesMsg{id, query, notes}
	})
}

func (m *Model) noted(msg notesMsg) {
	if m.panel != nil && m.panel.id == msg.panel {
		m.panel.SetNotes(msg.query, msg.notes)
	}
}

func (m *Model) conversationItems(list []chat.Conversation) []panel.Item {
	items := foundItems(list, m.look.Now)
	for i := range items {
		items[i].Mark = m.markOf(items[i].ID)
	}
	return m.visible(items)
}

// foundItems are conversations as rows, without marks.
func foundItems(list []chat.Conversation, now time.Time) []panel.Item {
	items := make([]panel.Item, 0, len(list))
	for _, c := range list {
		items = append(items, panel.Item{ID: c.ID, Title: titleOf(c), Detail: ago(c.UpdatedAt, now), Hidden: c.ID})
	}
	return items
}

// markOf says whether an answer is being made in a conversation, or has ended
// unseen.
func (m *Model) markOf(conversation string) panel.Mark {
	for _, t := range m.running {
		if t.ConversationID == conversation && !m.ended[t.ID] {
			return panel.Running
		}
	}
	if m.news[conversation] {
		return panel.News
	}
	return panel.Plain
}

func titleOf(c chat.Conversation) string {
	if title := sanitize.Line(c.Title); title != "" {
		return title
	}
	return "(untitled)"
}

// titleByID is the title of a conversation, as far as it is known.
func (m *Model) titleByID(id string) string {
	if id == m.conversation.ID {
		return titleOf(m.conversation)
	}
	for _, c := range m.recent {
		if c.ID == id {
			return titleOf(c)
		}
	}
	return "conversation " + shortID(id)
}

// shortID is the end of an id: the beginnings of UUIDv7s made at about the same
// time are the same.
func shortID(id string) string {
	id = sanitize.Line(id)
	return id[max(0, len(id)-8):]
}

// ago is a time in few characters.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	if d := now.Sub(at); d >= time.Minute {
		return chat.Age(d)
	}
	return "now" // a list is not drawn again each second
}
