package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/drafts"
)

// draftState is where the unsent text stands that is kept on disk.
type draftState struct {
	store  *drafts.Store
	fresh  string            // the key of new conversations, once it is claimed
	left   map[string]string // the input of conversations where messages wait
	early  map[int]early     // by session
	ready  bool              // what was kept of the open conversation has been read
	kept   string            // what the store was last given
	timing bool              // a flush is due
	failed bool              // the last one failed, and that was said
}

// early is what was written in a session before its draft was read.
type early struct{ conversation, text string }

type (
	draftMsg struct {
		session int
		key     string
		fresh   bool // it is the key of new conversations
		text    string
		err     error
	}
	flushedMsg struct{ err error }
)

// draftRetry is the pause before a draft that could not be written is tried again.
const draftRetry = 5 * time.Second

func (m *Model) draftKey() string {
	if m.conversation.ID != "" {
		return m.conversation.ID
	}
	return m.draft.fresh
}

// leaveDraft ends the writing in the open conversation. A message on its way is
// no draft any more; should it be refused, the history has it.
func (m *Model) leaveDraft() {
	id, text := m.conversation.ID, m.written()
	if id != "" && len(m.queue[id]) > 0 {
		m.draft.left[id] = m.input.Value()
	}
	if m.draft.ready {
		m.draft.store.Put(m.draftKey(), text)
	} else if text != "" {
		m.draft.early[m.session] = early{id, text}
	}
	m.draft.ready, m.draft.kept = false, ""
	m.input.Set("")
}

// draftCommand reads the draft of the open conversation.
func (m *Model) draftCommand() tea.Cmd {
	session, store, key := m.session, m.draft.store, m.conversation.ID
	return m.jobs.command(func(context.Context) tea.Msg {
		msg := draftMsg{session: session, key: key, fresh: key == ""}
		if msg.fresh {
			msg.key, msg.err = store.Claim()
		}
		if msg.err == nil {
			msg.text, msg.err = store.Get(msg.key)
		}
		return msg
	})
}

func (m *Model) drafted(msg draftMsg) {
	if msg.fresh {
		m.draft.fresh = msg.key
	}
	if msg.session != m.session {
		e, ok := m.draft.early[msg.session]
		delete(m.draft.early, msg.session)
		switch {
		case ok && msg.fresh && e.conversation != "": // it has got its id since
			m.draft.store.Put(e.conversation, e.text)
		case ok:
			m.draft.store.Put(msg.key, msg.text+e.text)
		}
		return
	}
	if msg.err != nil {
		m.warn(sentence(msg.err))
	}
	m.draft.ready, m.draft.kept = true, msg.text
	if msg.key != m.draftKey() { // the new conversation has got its id meanwhile
		m.draft.store.Put(msg.key, "")
		m.draft.kept = ""
	}
	if left, ok := m.draft.left[m.conversation.ID]; ok {
		delete(m.draft.left, m.conversation.ID)
		m.fill(left + m.input.Value())
		return
	}
	if msg.text == "" {
		return
	}
	m.fill(msg.text + m.input.Value())
	m.say("your unsent draft is back")
}

// unsent is everything that would be lost with the screen.
func (m *Model) unsent() string {
	if m.pending == nil {
		return m.written()
	}
	return joinDrafts(m.pending.Content(), m.written())
}

// written is what is in the input, and what waits to be sent.
func (m *Model) written() string {
	text := m.input.Value()
	if m.branch != nil {
		text = joinDrafts(m.branch.stash, text)
	}
	return joinDrafts(m.waiting(m.conversation.ID), text)
}

func joinDrafts(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "\n\n" + second
}

// keepDraft hands what has changed to the store, which writes it soon.
func (m *Model) keepDraft() tea.Cmd {
	text := m.unsent()
	if !m.draft.ready || text == m.draft.kept {
		return nil
	}
	m.draft.kept = text
	if !m.draft.store.Put(m.draftKey(), text) {
		return nil
	}
	return m.flushAfter(drafts.Pause)
}

func (m *Model) flushAfter(pauseFor time.Duration) tea.Cmd {
	if m.draft.timing {
		return nil
	}
	m.draft.timing = true
	store := m.draft.store
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		pause(ctx, pauseFor)
		return flushedMsg{store.Flush()}
	})
}

func (m *Model) flushed(msg flushedMsg) tea.Cmd {
	m.draft.timing = false
	if msg.err == nil {
		m.draft.failed = false
		return nil
	}
	if !m.draft.failed {
		m.warn(sentence(msg.err))
	}
	m.draft.failed = true
	return m.flushAfter(draftRetry)
}

// moveDraft says that the new conversation has got its id: what is unsent belongs
// to that from now on.
func (m *Model) moveDraft(id string) {
	if m.conversation.ID == "" {
		m.draft.store.Put(m.draft.fresh, "")
		m.draft.kept = ""
	}
	m.conversation.ID = id
}
