package chat

import "time"

// Claim is a task that a worker has just taken: running, leased, with its
// attempt counted.
type Claim struct {
	Task
	// LastAttempt says that no further attempt will be allowed if this one fails.
	LastAttempt bool
}

// Lease is what the renewal of a worker's leases says of one of its tasks.
type Lease struct {
	TaskID          string
	Attempt         int
	CancelRequested bool
}

// Result ends a task. It commits only while the task is running under Attempt,
// and, unless State is cancelled, only while no cancel was requested.
type Result struct {
	TaskID       string
	Attempt      int
	State        TaskState
	Parts        Parts
	Model        string
	FinishReason string
	Usage        *Usage
	Err          *Error
	Notices      []string // as in Task
	// ChunkCount is the length of the attempt's chunk log with its terminal
	// chunk, 0 if the log does not hold exactly this result.
	ChunkCount int
}

// Release returns a running task to the queue, under the same fence as Result.
type Release struct {
	TaskID  string
	Attempt int
	Delay   time.Duration
	// Counts is false for a hand-back at shutdown, which is not a failed attempt.
	Counts  bool
	Parts   Parts // received so far; the longest of all attempts is kept
	Err     *Error
	Notices []string // as in Task; those of all attempts
}

// Answer is what one attempt has received, as a chunk log holds it, or as SQL has saved
// it.
type Answer struct {
	Attempt      int
	Parts        Parts
	FinishReason string
	// Complete says that the provider had ended the answer properly: it can be
	// committed as it is.
	Complete bool
}

// Why a fenced write changed nothing.
var (
	// ErrFenced: the task is not running under this attempt any more.
	ErrFenced = &Error{Code: CodeConflict, Message: "the task is not this worker's any more"}
	// ErrCancelWon: a cancel was requested first; only cancelled can be committed.
	ErrCancelWon = &Error{Code: CodeCancelled, Message: "the task was cancelled"}
)
