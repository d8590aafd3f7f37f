package chat

import "time"

// Claim is a task that a worker has just claimed. It is running and leased, and its
// Attempt counts this claim.
type Claim struct {
	Task
	// LastAttempt says that MaxAttempts claims count, this one included: no other attempt
	// follows if this one fails.
	LastAttempt bool
}

// Lease is one task that a worker still holds after it renewed its leases.
type Lease struct {
	TaskID          string
	Attempt         int
	CancelRequested bool
}

// Result ends a task. It is committed only while the task is running under Attempt
// and, unless State is cancelled, only if no cancel was requested.
type Result struct {
	TaskID       string
	Kind         TaskKind // of the task
	Attempt      int
	State        TaskState
	Parts        Parts
	Model        string
	FinishReason string
	Usage        *Usage
	Err          *Error
	Notices      []string // as in Task
	// ChunkCount is the length of the chunk log with its terminal chunk; 0 if the log
	// does not hold exactly this result.
	ChunkCount int
	// SummaryID and System are what the model got besides the messages, as in Sent.
	SummaryID, System string
	// Log holds the chunks of the log without the terminal one, packed (package chunklog);
	// nil if ChunkCount is 0.
	Log []byte
}

// Release returns a running task to the queue, under the same fence as Result.
type Release struct {
	TaskID  string
	Attempt int
	Delay   time.Duration
	// Counts is false for a release at shutdown, which is not a failed attempt.
	Counts  bool
	Parts   Parts // received so far; the store keeps the longest of all attempts
	Err     *Error
	Notices []string // as in Task, of all attempts
	// Await, if not nil, is a task for which the released one waits: a new one, or the
	// unfinished one of its kind. It then counts as one of Task.Compactions.
	Await *KindTask
}

// Answer is what one attempt has received, read from the chunk log or from SQL.
type Answer struct {
	Attempt      int
	Parts        Parts
	FinishReason string
	// Complete says that the provider ended the answer properly, so that it can be
	// committed as it is.
	Complete bool
}

// Errors of a fenced write that changed nothing.
var (
	// ErrFenced says that the task is no longer running under this attempt.
	ErrFenced = &Error{Code: CodeConflict, Message: "the task is no longer held by this worker"}
	// ErrCancelWon says that a cancel was requested first: only cancelled can be committed.
	ErrCancelWon = &Error{Code: CodeCancelled, Message: "the task was cancelled"}
)
