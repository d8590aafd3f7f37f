// Package report has what the server reports: the bodies of responses about itself, and about
// requests to models.
package report

import (
	"time"

	"chat"
)

// Stats is the state of the server at one moment, the body of GET /stats. A value that
// comes from an unreachable dependency is 0 or missing.
type Stats struct {
	// At is the time of the values, by the server's clock.
	At      time.Time             `json:"at"`
	Queued  map[chat.Priority]int `json:"queued"`
	Running int                   `json:"running"` // tasks that a worker holds, of all owners
	Workers int                   `json:"workers"`
	Streams int                   `json:"streams"` // readers of answers that are connected to this instance
	Redis   string                `json:"redis"`   // "ok", "down", or the rest of a sentence that begins with "Redis"
	SQL     string                `json:"sql"`     // "ok" or "down"
	Engine  string                `json:"engine"`

	WorkerList []chat.Worker `json:"worker_list"`
	// Answers are the caller's running tasks, oldest first, at most MaxAnswers.
	// MoreAnswers says that there are others.
	Answers     []RunningAnswer `json:"answers"`
	MoreAnswers bool            `json:"more_answers,omitempty"`
	// Failures are the caller's latest tasks that failed or were interrupted, newest
	// first, at most MaxFailures.
	Failures []FailedAnswer `json:"failures"`
	Memory   *MemoryStats   `json:"memory,omitempty"`
}

// The limits of the lists in Stats.
const (
	MaxAnswers  = 100
	MaxFailures = 10
)

// RunningAnswer is an answer whose task is running.
type RunningAnswer struct {
	TaskID          string        `json:"task_id"`
	ConversationID  string        `json:"conversation_id"`
	Kind            chat.TaskKind `json:"kind,omitempty"`
	Title           string        `json:"title"`
	Model           string        `json:"model,omitempty"`
	Priority        chat.Priority `json:"priority"`
	Attempt         int           `json:"attempt"`
	Worker          string        `json:"worker,omitempty"`
	CreatedAt       time.Time     `json:"created_at"`
	StartedAt       time.Time     `json:"started_at"`
	CancelRequested bool          `json:"cancel_requested,omitempty"`
	// Chunks is the length of the chunk log, 0 if there is none. TTLSeconds is the time
	// until Redis deletes the log.
	Chunks     int `json:"chunks"`
	TTLSeconds int `json:"ttl_seconds"`
}

// FailedAnswer is an answer whose task failed or was interrupted.
type FailedAnswer struct {
	TaskID         string         `json:"task_id"`
	ConversationID string         `json:"conversation_id"`
	Kind           chat.TaskKind  `json:"kind,omitempty"`
	Title          string         `json:"title"`
	Model          string         `json:"model,omitempty"`
	State          chat.TaskState `json:"state"`
	Attempt        int            `json:"attempt"`
	FinishedAt     time.Time      `json:"finished_at"`
	Error          *chat.Error    `json:"error,omitempty"`
}

// MemoryStats describes the Redis database that holds the chunk logs and the wake-ups.
type MemoryStats struct {
	// QueueLengths are the numbers of wake-ups that no worker has received yet.
	QueueLengths map[chat.Priority]int `json:"queue_lengths"`
	// Keys counts all keys of the database, KeysWithoutTTL those that never expire; -1
	// if unknown.
	Keys           int `json:"keys"`
	KeysWithoutTTL int `json:"keys_without_ttl"`
	// UsedBytes is the memory of the whole database, LimitBytes its limit; 0 if unknown or
	// unlimited.
	UsedBytes  int64 `json:"used_bytes,omitempty"`
	LimitBytes int64 `json:"limit_bytes,omitempty"`
}
