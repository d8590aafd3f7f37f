package chat

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// TaskState is the state of a task. The legal transitions are
//
//	queued  → running | cancelled | failed | interrupted
//	running → done | failed | cancelled | interrupted | queued
//
// running → queued happens when a lease expires, when a worker releases the task at
// shutdown, and before a retry. queued → failed and queued → interrupted end a task
// that has no attempts left.
type TaskState string

// The states of a task. Interrupted means that the task ended early and the text received
// so far is kept.
const (
	TaskQueued      TaskState = "queued"
	TaskRunning     TaskState = "running"
	TaskDone        TaskState = "done"
	TaskFailed      TaskState = "failed"
	TaskCancelled   TaskState = "cancelled"
	TaskInterrupted TaskState = "interrupted"
)

// TaskStates returns all states.
func TaskStates() []TaskState {
	return []TaskState{TaskQueued, TaskRunning, TaskDone, TaskFailed, TaskCancelled, TaskInterrupted}
}

// Terminal reports whether s is final: no transition leaves it.
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

// Priority is the priority of a task in the queue. Tasks of the same priority are ordered
// by age. Background tasks make progress even under a constant load of urgent ones.
type Priority string

// The priorities, most urgent first. The empty priority means normal.
const (
	PriorityUrgent     Priority = "urgent"
	PriorityNormal     Priority = "normal"
	PriorityBackground Priority = "background"
)

// Priorities returns the priorities, most urgent first.
func Priorities() []Priority {
	return []Priority{PriorityUrgent, PriorityNormal, PriorityBackground}
}

// Rank returns the number of the priority in SQL: 0 urgent, 1 normal, 2 background.
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

// PriorityOfRank returns the priority with that Rank.
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

// The defaults of the task protocol.
const (
	MaxAttempts   = 3                // claims of a task, without those that ended in a release at shutdown
	LeaseDuration = 15 * time.Second // by the database's clock
	LeaseRenewal  = 5 * time.Second  // one statement per worker
	SweepInterval = 5 * time.Second  // with jitter, in every instance
	StateRecheck  = 5 * time.Second  // a stream reads the task's state from SQL at least this often
)

// MaxNotices is the maximum number of Notices of a task.
const MaxNotices = 16

// Task is a job that generates one answer, or another text of its Kind.
type Task struct {
	ID             string    `json:"id"`
	Kind           TaskKind  `json:"kind,omitempty"`
	ConversationID string    `json:"conversation_id"`
	MessageID      string    `json:"message_id,omitempty"` // "" unless Kind is KindAnswer
	UserMessageID  string    `json:"user_message_id"`
	Owner          string    `json:"-"`
	State          TaskState `json:"state"`
	Priority       Priority  `json:"priority"`
	// Attempt is the number of claims so far, and the fencing token of the current one. It
	// counts every claim, and so may exceed MaxAttempts.
	Attempt int    `json:"attempt"`
	Model   string `json:"model,omitempty"`
	// CredentialsHost is the worker that holds the client's provider credentials in
	// memory; only that worker can run the task. "" if the server's provider answers.
	CredentialsHost string `json:"-"`
	// Worker is the worker that holds the lease while the task is running.
	Worker          string     `json:"worker,omitempty"`
	LeaseUntil      *time.Time `json:"lease_until,omitempty"`
	RunAfter        time.Time  `json:"run_after"`
	Waiting         *Wait      `json:"waiting,omitempty"` // of a queued task, besides a worker
	Failover        *Failover  `json:"failover,omitempty"`
	DeadlineSeconds int        `json:"deadline_seconds,omitempty"` // as in Submission
	// Parameters are nil in lists if they are large, as those with tools may be.
	Parameters *Parameters `json:"parameters,omitempty"`
	// Continues is the message with whose text the answer begins; "" for a whole answer.
	Continues string `json:"continues,omitempty"`
	// Origin is data of the wire format in which the task was submitted, which only that
	// format understands; "" for the native one.
	Origin string `json:"-"`
	// Upstream says where the provider can be asked for the answer of an earlier attempt, in
	// words that only the provider understands; "" if it cannot, or was not asked yet.
	Upstream string `json:"-"`
	// WaitsFor is the summary that has to end before the task is claimed again, or the last one
	// for which it waited. Compactions counts them.
	WaitsFor    string `json:"waits_for,omitempty"`
	Compactions int    `json:"-"`
	// CancelRequested says that the worker of a running task has to stop it. From then on
	// the task can only end as cancelled.
	CancelRequested bool       `json:"cancel_requested,omitempty"`
	CreatedAt       time.Time  `json:"created_at"`
	StartedAt       *time.Time `json:"started_at,omitempty"`
	FinishedAt      *time.Time `json:"finished_at,omitempty"`
	FinishReason    string     `json:"finish_reason,omitempty"`
	Usage           *Usage     `json:"usage,omitempty"`
	// Error is why the task failed or was interrupted. If it is done, the error is
	// CodeFormatMismatch: the answer is complete, and not in the Format of its Parameters.
	Error *Error `json:"error,omitempty"`
	// Notices are sentences for the reader of the answer, such as that a parameter was
	// omitted because the model refused it.
	Notices []string `json:"notices,omitempty"`
	// ChunkCount is the length of the ended task's chunk log, including the terminal
	// chunk; 0 if the log does not hold exactly the result.
	ChunkCount int `json:"chunk_count,omitempty"`
}

// Wait is what a task waits for, as in "the rate limit of work", and until when.
type Wait struct {
	For   string    `json:"for"`
	Until time.Time `json:"until"`
}

// String returns "waiting for the rate limit of work, until 14:03:22"; "" for nil.
func (w *Wait) String() string {
	if w == nil {
		return ""
	}
	return "waiting for " + w.For + ", until " + w.Until.Local().Format(time.TimeOnly)
}

// TaskWithTitle is a task with the title of its conversation.
type TaskWithTitle struct {
	Task  Task
	Title string
}

// TerminalChunk returns the chunk that ends the task's stream, with the given attempt and
// index, or false if the task has not ended.
func (t *Task) TerminalChunk(attempt, index int) (Chunk, bool) {
	if !t.State.Terminal() {
		return Chunk{}, false
	}
	c := Chunk{
		Index: index, Attempt: attempt, Type: ChunkDone,
		MessageID: t.MessageID, State: t.State, FinishReason: t.FinishReason, Usage: t.Usage, Notices: t.Notices,
	}
	e := t.Error
	if t.State == TaskFailed || t.State == TaskInterrupted {
		c.Type = ChunkError
		if e == nil {
			e = &Error{Code: CodeInternal, Message: fmt.Sprintf("the task ended as %s", t.State)}
		}
	}
	if e != nil && t.State != TaskCancelled {
		c.Code, c.Content, c.Retryable = e.Code, e.Message, e.Retryable
	}
	return c, true
}

// Backoff returns the delay before retry n (1 is the first): a random duration of at most
// min(base × 2^(n-1), limit) and at least a tenth of that ("full jitter", AWS Architecture
// Blog, "Exponential Backoff And Jitter").
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
