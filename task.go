package chat

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// TaskState is where a task stands. The legal transitions are
//
//	queued  → running | cancelled | failed | interrupted
//	running → done | failed | cancelled | interrupted | queued
//
// running → queued happens only when a lease expires, a worker hands the task
// back at shutdown, or a retry is due. queued → failed and queued → interrupted
// end a task whose attempts ran out while no worker held it.
type TaskState string

// The states of a task. Interrupted means that it ended early and that what was
// received is kept.
const (
	TaskQueued      TaskState = "queued"
	TaskRunning     TaskState = "running"
	TaskDone        TaskState = "done"
	TaskFailed      TaskState = "failed"
	TaskCancelled   TaskState = "cancelled"
	TaskInterrupted TaskState = "interrupted"
)

// TaskStates lists all states.
func TaskStates() []TaskState {
	return []TaskState{TaskQueued, TaskRunning, TaskDone, TaskFailed, TaskCancelled, TaskInterrupted}
}

// Terminal reports whether s is an end: no transition leaves it.
func (s TaskState) Terminal() bool {
	switch s {
	case TaskDone, TaskFailed, TaskCancelled, TaskInterrupted:
		return true
	case TaskQueued, TaskRunning:
		return false
	}
	return false
}

// CanBecome reports whether s → next is a legal transition.
func (s TaskState) CanBecome(next TaskState) bool {
	switch s {
	case TaskQueued:
		return next == TaskRunning || next == TaskCancelled || next == TaskFailed || next == TaskInterrupted
	case TaskRunning:
		return next.Terminal() || next == TaskQueued
	case TaskDone, TaskFailed, TaskCancelled, TaskInterrupted:
		return false
	}
	return false
}

// Priority orders the queue: by priority, then by age. Background tasks still
// progress when more urgent ones never stop coming.
type Priority string

// The priorities, most urgent first. The empty priority means normal.
const (
	PriorityUrgent     Priority = "urgent"
	PriorityNormal     Priority = "normal"
	PriorityBackground Priority = "background"
)

// Priorities lists the priorities, most urgent first.
func Priorities() []Priority {
	return []Priority{PriorityUrgent, PriorityNormal, PriorityBackground}
}

// Rank is the priority's place in the queue: 0 urgent, 1 normal, 2 background.
func (p Priority) Rank() int {
	switch p {
	case PriorityUrgent:
		return 0
	case PriorityBackground:
		return 2
	case PriorityNormal:
		return 1
	}
	return 1
}

// PriorityOfRank is the inverse of Rank.
func PriorityOfRank(rank int) Priority {
	switch rank {
	case 0:
		return PriorityUrgent
	case 2:
		return PriorityBackground
	}
	return PriorityNormal
}

// ParsePriority returns the priority named s; empty means normal.
func ParsePriority(s string) (Priority, error) {
	switch Priority(s) {
	case "", PriorityNormal:
		return PriorityNormal, nil
	case PriorityUrgent:
		return PriorityUrgent, nil
	case PriorityBackground:
		return PriorityBackground, nil
	}
	return "", Errorf(CodeInvalid, "unknown priority %q: use urgent, normal or background", s)
}

// The timing of the task protocol, at its defaults.
const (
	MaxAttempts   = 3                // counted at the claim
	LeaseDuration = 15 * time.Second // by the database's clock
	LeaseRenewal  = 5 * time.Second  // one statement per worker
	SweepInterval = 5 * time.Second  // with jitter, in every instance
	StateRecheck  = 5 * time.Second  // a follower re-reads the task's state at least this often
)

// MaxNotices is how many Notices a task may have.
const MaxNotices = 16

// Task is the making of one answer.
type Task struct {
	ID             string    `json:"id"`
	ConversationID string    `json:"conversation_id"`
	MessageID      string    `json:"message_id"`
	UserMessageID  string    `json:"user_message_id"`
	Owner          string    `json:"-"`
	State          TaskState `json:"state"`
	Priority       Priority  `json:"priority"`
	// Attempt is the number of claims so far and the fencing token of the
	// current one: 0 until the first claim.
	Attempt int    `json:"attempt"`
	Model   string `json:"model,omitempty"`
	// OwnProvider is the worker in whose memory the provider is that the client
	// sent along; "" if the server's answers. No other one can make the answer.
	OwnProvider string `json:"-"`
	// Worker holds the lease while the task is running.
	Worker          string     `json:"worker,omitempty"`
	LeaseUntil      *time.Time `json:"lease_until,omitempty"`
	RunAfter        time.Time  `json:"run_after"`
	DeadlineSeconds int        `json:"deadline_seconds,omitempty"`
	// CancelRequested is set while a running task's worker has yet to end it;
	// from that moment no other ending than cancelled can win.
	CancelRequested bool       `json:"cancel_requested,omitempty"`
	CreatedAt       time.Time  `json:"created_at"`
	StartedAt       *time.Time `json:"started_at,omitempty"`
	FinishedAt      *time.Time `json:"finished_at,omitempty"`
	FinishReason    string     `json:"finish_reason,omitempty"`
	Usage           *Usage     `json:"usage,omitempty"`
	Error           *Error     `json:"error,omitempty"`
	// Notices are sentences about how the answer was made that its reader should
	// know, such as a parameter that the model refused and that was left out.
	Notices []string `json:"notices,omitempty"`
	// ChunkCount is the length of the finished task's chunk log, its terminal
	// chunk included; 0 when the task ended without a log of its own.
	ChunkCount int `json:"chunk_count,omitempty"`
}

// TerminalChunk is the chunk that closes the task's stream, or false while the
// task has not ended. index is the chunk's place in the log.
func (t *Task) TerminalChunk(attempt, index int) (Chunk, bool) {
	if !t.State.Terminal() {
		return Chunk{}, false
	}
	c := Chunk{
		Index: index, Attempt: attempt, Type: ChunkDone,
		MessageID: t.MessageID, State: t.State, FinishReason: t.FinishReason, Usage: t.Usage, Notices: t.Notices,
	}
	if t.State == TaskFailed || t.State == TaskInterrupted {
		c.Type = ChunkError
		e := t.Error
		if e == nil {
			e = &Error{Code: CodeInternal, Message: fmt.Sprintf("the task ended as %s", t.State)}
		}
		c.Code, c.Content, c.Retryable = e.Code, e.Message, e.Retryable
	}
	return c, true
}

// Backoff returns the pause before retry n (1 is the first): a random duration
// up to base × 2^(n-1), capped ("full jitter", AWS Architecture Blog,
// "Exponential Backoff And Jitter"), never less than a tenth of that bound.
func Backoff(n int, base, limit time.Duration) time.Duration {
	bound := limit
	if n < 1 {
		n = 1
	}
	if shift := n - 1; shift < 30 && base<<shift > 0 && base<<shift < limit {
		bound = base << shift
	}
	floor := bound / 10
	return floor + rand.N(bound-floor+1)
}
