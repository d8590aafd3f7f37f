package tui

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
)

// How often the screen polls the server for what other screens do: the server
// does not push that. The interval grows after failures, and after a long time
// without a key press or an event.
const (
	pollInterval     = 3 * time.Second
	idlePollInterval = 15 * time.Second
	idleAfter        = 10 * time.Minute
)

type (
	pollMsg struct {
		seq           int
		running       []chat.Task
		tasks         []chat.Task         // ended ones too, nil if they were not asked for
		conversations []chat.Conversation // the newest
		trouble       string              // see Watcher
		err           error
	}
	pollDueMsg struct{ seq int } // after that poll
)

// pollCommand asks for the running tasks and the newest conversations, which
// also tells whether the server can be reached.
func (m *Model) pollCommand() tea.Cmd {
	m.pollSeq++
	seq, backend := m.pollSeq, m.backend
	lister, all := m.backend.(TaskLister)
	watcher, _ := m.backend.(Watcher)
	all = all && m.panel != nil && m.panel.kind == tasksPanel
	before := m.running
	return m.jobs.command(func(ctx context.Context) tea.Msg {
		msg := pollMsg{seq: seq}
		if msg.running, msg.err = backend.Running(ctx); msg.err != nil {
			return msg
		}
		if lister != nil && (all || len(vanished(before, msg.running)) > 0) {
			if msg.tasks, msg.err = lister.Tasks(ctx); msg.err != nil {
				return msg
			}
		}
		if msg.conversations, msg.err = backend.Conversations(ctx, ""); msg.err == nil && watcher != nil {
			msg.trouble, msg.err = watcher.Trouble(ctx)
		}
		return msg
	})
}

// vanished are the tasks of before that are not among those of now.
func vanished(before, now []chat.Task) []chat.Task {
	return slices.DeleteFunc(slices.Clone(before), func(t chat.Task) bool {
		return slices.ContainsFunc(now, func(n chat.Task) bool { return n.ID == t.ID })
	})
}

func (m *Model) poll(msg pollMsg) tea.Cmd {
	if msg.seq != m.pollSeq {
		return nil // a newer one is under way
	}
	if m.panel != nil {
		m.panel.Loading = false
	}
	if msg.err != nil {
		wait := m.link.failed(sentence(msg.err), !chat.IsCode(msg.err, chat.CodeDaemon), m.look.Now)
		return m.jobs.after(wait, pollDueMsg{msg.seq})
	}
	var defaultModel tea.Cmd
	if m.link.failures > 0 { // it may be another server by now
		defaultModel = m.defaultModelCommand()
	}
	m.link.reached(sanitize.Line(msg.trouble), m.look.Now)
	m.tellStanding(msg.running)
	gone := vanished(m.running, msg.running)
	m.running, m.recent = msg.running, msg.conversations
	m.tasks = mergeTasks(msg.running, msg.tasks)
	ended := m.tellEnded(gone, msg.tasks)
	clear(m.ended)
	for _, c := range msg.conversations {
		if c.ID == m.conversation.ID {
			m.conversation.Title = c.Title
		}
	}
	m.refreshPanel()
	pause := pollInterval
	if len(m.running) == 0 && m.look.Now.Sub(m.touched) > idleAfter {
		pause = idlePollInterval
	}
	return tea.Batch(ended, defaultModel, m.catchUp(msg), m.sendNextQueued(), m.advanceElsewhere(), m.jobs.after(pause, pollDueMsg{msg.seq}))
}

// tellStanding tells the answers that are followed how their tasks stand.
func (m *Model) tellStanding(running []chat.Task) {
	for _, t := range running {
		for _, item := range m.follows {
			if item.ID == t.MessageID {
				item.SetStatus(t)
			}
		}
	}
}

// mergeTasks are the running tasks, and then the others of a longer list.
func mergeTasks(running, all []chat.Task) []chat.Task {
	return slices.Concat(running, vanished(all, running))
}

// catchUp reads the open conversation again if somebody else has changed it: it
// was updated, or a task runs in it that is not followed here.
func (m *Model) catchUp(msg pollMsg) tea.Cmd {
	if m.conversation.ID == "" || m.loading || m.pending != nil || m.catching {
		return nil
	}
	stale := false
	for _, c := range msg.conversations {
		stale = stale || c.ID == m.conversation.ID && c.UpdatedAt.After(m.seen)
	}
	for _, t := range msg.running {
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

// tellEnded says which answers have ended in conversations that are not open.
func (m *Model) tellEnded(gone, all []chat.Task) tea.Cmd {
	var cmds []tea.Cmd
	for _, t := range gone {
		if t.ConversationID == m.conversation.ID || m.ended[t.ID] {
			continue // the transcript shows it, or has shown it
		}
		m.news[t.ConversationID] = true
		var state chat.TaskState
		if i := slices.IndexFunc(all, func(a chat.Task) bool { return a.ID == t.ID }); i >= 0 {
			state = all[i].State
		}
		m.say("the answer in “" + m.titleByID(t.ConversationID) + "” " + endOf(state))
		cmds = append(cmds, m.notify(t.ConversationID, t.CreatedAt, state))
	}
	return tea.Batch(cmds...)
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
