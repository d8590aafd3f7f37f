package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// The pace of the heartbeat, which finds out what other screens do: no call of
// the server pushes that. After failures its pauses grow, and a screen that
// nobody has touched for long, and on which nothing happens, asks less often.
const (
	beatPause = 3 * time.Second
	beatLazy  = 15 * time.Second
	lazyAfter = 10 * time.Minute
)

// beatCommand asks for the running tasks and the newest conversations, which
// also tells whether the server can be reached.
func (m *Model) beatCommand() tea.Cmd {
	m.beatSeq++
	seq, backend := m.beatSeq, m.backend
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		tasks, err := backend.Running(ctx)
		if err != nil {
			return beatMsg{seq: seq, err: err}
		}
		list, err := backend.Conversations(ctx, "")
		return beatMsg{seq, tasks, list, err}
	})
}

func (m *Model) beat(msg beatMsg) tea.Cmd {
	if msg.seq != m.beatSeq {
		return nil // a newer one is under way
	}
	if msg.err != nil {
		wait := m.link.failed(sentence(msg.err), m.look.Now)
		return m.jobs.after(wait, beatDueMsg{msg.seq})
	}
	m.link.reached(m.look.Now)
	m.running = msg.tasks
	clear(m.ended)
	for _, c := range msg.conversations {
		if c.ID == m.conversation.ID {
			m.conversation.Title = c.Title
		}
	}
	pause := beatPause
	if len(m.running) == 0 && m.look.Now.Sub(m.touched) > lazyAfter {
		pause = beatLazy
	}
	return tea.Batch(m.catchUp(msg), m.jobs.after(pause, beatDueMsg{msg.seq}))
}

// catchUp reads the open conversation again if somebody else has changed it: it
// was updated, or a task runs in it that is not followed here.
func (m *Model) catchUp(msg beatMsg) tea.Cmd {
	if m.conversation.ID == "" || m.loading || m.pending != nil || m.catching {
		return nil
	}
	stale := false
	for _, c := range msg.conversations {
		stale = stale || c.ID == m.conversation.ID && c.UpdatedAt.After(m.seen)
	}
	for _, t := range msg.tasks {
		stale = stale || t.ConversationID == m.conversation.ID && !m.following(t.MessageID)
	}
	if !stale {
		return nil
	}
	m.catching = true
	return m.recordCommand()
}

func (m *Model) following(messageID string) bool {
	for _, item := range m.follows {
		if item.ID == messageID {
			return true
		}
	}
	return false
}
