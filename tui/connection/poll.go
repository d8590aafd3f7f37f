package connection

import (
	"context"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/internal/term/sanitize"
	"chat/tui/jobs"
)

// The poll interval grows after failures, and after a long time without a key
// press or a running task.
const (
	interval     = 3 * time.Second
	idleInterval = 15 * time.Second
	idleAfter    = 10 * time.Minute
)

// Backend is what polling asks the server.
type Backend interface {
	Conversations(ctx context.Context, search string) ([]chat.Conversation, error)
	Running(ctx context.Context) ([]chat.Task, error)
}

// HealthChecker says what is down while the server still works, "" if nothing is. A
// Backend may implement it.
type HealthChecker interface {
	Degraded(ctx context.Context) (string, error)
}

// TaskLister lists the newest tasks, ended ones included. A Backend may implement it.
type TaskLister interface {
	Tasks(ctx context.Context) ([]chat.Task, error)
}

type (
	// PolledMsg is the result of a poll.
	PolledMsg struct {
		Seq           int
		Running       []chat.Task
		Tasks         []chat.Task         // ended ones too, nil if the poll did not ask for them
		Conversations []chat.Conversation // the newest
		Degraded      string
		Err           error
	}
	// PollDueMsg says that the pause after a poll is over.
	PollDueMsg struct{ seq int }
)

// Poller polls the server and keeps what it said last.
type Poller struct {
	State

	jobs    *jobs.Runner
	backend Backend
	seq     int // of the last poll

	running []chat.Task
	tasks   []chat.Task         // the running ones, and ended ones as far as they are known
	recent  []chat.Conversation // the newest
	unseen  map[string]bool     // conversations with an answer that the user has not seen
	ended   map[string]bool     // tasks that have ended but may still be in running
}

// NewPoller returns a Poller that has not polled yet.
func NewPoller(j *jobs.Runner, backend Backend) *Poller {
	return &Poller{
		State: State{reconnecting: map[int]chat.ConnState{}}, jobs: j, backend: backend,
		unseen: map[string]bool{}, ended: map[string]bool{},
	}
}

// Seq is the number of the last poll. Results of earlier ones are stale.
func (p *Poller) Seq() int { return p.seq }

// Running are the running tasks. Do not change them.
func (p *Poller) Running() []chat.Task { return p.running }

// Tasks are the running tasks and the ended ones as far as they are known.
func (p *Poller) Tasks() []chat.Task { return p.tasks }

// Task finds a task by its id.
func (p *Poller) Task(id string) (chat.Task, bool) {
	return find(p.tasks, id)
}

// Recent are the newest conversations.
func (p *Poller) Recent() []chat.Conversation { return p.recent }

// Rename changes the title of a recent conversation before the next poll does.
func (p *Poller) Rename(id, title string) {
	for i := range p.recent {
		if p.recent[i].ID == id {
			p.recent[i].Title = title
		}
	}
}

// Forget removes a deleted conversation before the next poll does.
func (p *Poller) Forget(id string) {
	p.recent = slices.DeleteFunc(p.recent, func(c chat.Conversation) bool { return c.ID == id })
}

// SetSeen says that the user sees a conversation.
func (p *Poller) SetSeen(id string) { delete(p.unseen, id) }

// Unseen reports whether a conversation has an answer that the user has not seen.
func (p *Poller) Unseen(id string) bool { return p.unseen[id] }

// SetEnded says that the stream of a task has ended. Until the next poll the task
// counts as ended if the stream ended well.
func (p *Poller) SetEnded(taskID string, well bool) { p.ended[taskID] = well }

// Ended reports whether a task that may still be listed as running has ended.
func (p *Poller) Ended(taskID string) bool { return p.ended[taskID] }

// Answering reports whether a task of a conversation runs.
func (p *Poller) Answering(conversation string) bool {
	return slices.ContainsFunc(p.running, func(t chat.Task) bool {
		return t.ConversationID == conversation && !p.ended[t.ID]
	})
}

// Poll asks for the running tasks and the newest conversations. all asks for the
// ended tasks, too.
func (p *Poller) Poll(all bool) tea.Cmd {
	p.seq++
	seq, backend, before := p.seq, p.backend, p.running
	lister, canList := backend.(TaskLister)
	health, _ := backend.(HealthChecker)
	all = all && canList
	return p.jobs.Command(func(ctx context.Context) tea.Msg {
		msg := PolledMsg{Seq: seq}
		if msg.Running, msg.Err = backend.Running(ctx); msg.Err != nil {
			return msg
		}
		if lister != nil && (all || len(without(before, msg.Running)) > 0) {
			if msg.Tasks, msg.Err = lister.Tasks(ctx); msg.Err != nil {
				return msg
			}
		}
		if msg.Conversations, msg.Err = backend.Conversations(ctx, ""); msg.Err == nil && health != nil {
			msg.Degraded, msg.Err = health.Degraded(ctx)
		}
		return msg
	})
}

// Due reports whether the next poll is due, unless a newer one has started.
func (p *Poller) Due(msg PollDueMsg) bool { return msg.seq == p.seq }

// Failed records a poll that failed and schedules the next one.
func (p *Poller) Failed(err error, now time.Time) tea.Cmd {
	reason := sanitize.Line(chat.AsError(err).Message)
	return p.jobs.After(p.failed(reason, !chat.IsCode(err, chat.CodeDaemon), now), PollDueMsg{p.seq})
}

// Apply keeps what a poll has found. It returns the tasks that have ended since
// the last poll in conversations other than open; their state is "" if unknown.
func (p *Poller) Apply(msg PolledMsg, open string, now time.Time) (ended []chat.Task) {
	p.succeeded(sanitize.Line(msg.Degraded), now)
	running := withoutTitles(msg.Running)
	gone := without(p.running, running)
	p.running, p.recent = running, msg.Conversations
	p.tasks = slices.Concat(msg.Running, without(msg.Tasks, msg.Running))
	for _, t := range gone {
		if t.ConversationID == open || p.ended[t.ID] {
			continue // the conversation shows it, or has shown it
		}
		p.unseen[t.ConversationID] = true
		known, _ := find(msg.Tasks, t.ID)
		t.State = known.State
		ended = append(ended, t)
	}
	clear(p.ended)
	return ended
}

// Next schedules the next poll. touched is the time of the last key press.
func (p *Poller) Next(touched, now time.Time) tea.Cmd {
	pause := interval
	if len(p.running) == 0 && now.Sub(touched) > idleAfter {
		pause = idleInterval
	}
	return p.jobs.After(pause, PollDueMsg{p.seq})
}

// withoutTitles are the tasks that a user waits for: a title that a model writes is only listed.
func withoutTitles(tasks []chat.Task) []chat.Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t chat.Task) bool { return t.Kind == chat.KindTitle })
}

// without are the tasks that are not among others.
func without(tasks, others []chat.Task) []chat.Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t chat.Task) bool {
		_, found := find(others, t.ID)
		return found
	})
}

func find(tasks []chat.Task, id string) (chat.Task, bool) {
	i := slices.IndexFunc(tasks, func(t chat.Task) bool { return t.ID == id })
	if i < 0 {
		return chat.Task{}, false
	}
	return tasks[i], true
}
