package tui

import (
	"context"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/panel"
	"chat/tui/sanitize"
)

// chooseConversation opens the list of conversations, the newest of which are
// known from the heartbeat. Typing also searches what was said in all of them.
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
		pick: func(it panel.Item) tea.Cmd { return m.openConversation(it.ID) },
	})
	return m.beatCommand()
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
	d := now.Sub(at)
	switch {
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d < 30*24*time.Hour:
		return fmt.Sprintf("%d d", int(d.Hours()/24))
	}
	return at.Format("Jan 2006")
}
