package chat

import "time"

// Stats is how things stand at one moment: what GET /stats answers. What comes
// from a dependency that is down is 0 or missing.
type Stats struct {
	// At is the server's clock when it looked.
	At      time.Time        `json:"at"`
	Queued  map[Priority]int `json:"queued"`
	Running int              `json:"running"` // tasks that a worker holds, of all owners
	Workers int              `json:"workers"`
	Streams int              `json:"streams"` // followers connected to this instance
	Redis   string           `json:"redis"`   // "ok", "down" or a sentence that goes on after "Redis"
	SQL     string           `json:"sql"`     // "ok" or "down"
	Engine  string           `json:"engine"`

	WorkerList []Worker `json:"worker_list"`
	// Answers are the caller's running tasks, the oldest first, MaxAnswers at
	// most; MoreAnswers says that there are others.
	Answers     []RunningAnswer `json:"answers"`
	MoreAnswers bool            `json:"more_answers,omitempty"`
	// Failures are the caller's tasks that failed or were interrupted last, the
	// newest first, MaxFailures at most.
	Failures []FailedAnswer `json:"failures"`
	Memory   *RedisStats    `json:"memory,omitempty"`
}

// The bounds of what Stats lists.
const (
	MaxAnswers  = 100
	MaxFailures = 10
)

// TaskWithTitle is a task with the title of its conversation.
type TaskWithTitle struct {
	Task  Task
	Title string
}

// RunningAnswer is an answer that is being made.
type RunningAnswer struct {
	TaskID          string    `json:"task_id"`
	ConversationID  string    `json:"conversation_id"`
	Title           string    `json:"title"`
	Model           string    `json:"model,omitempty"`
	Priority        Priority  `json:"priority"`
	Attempt         int       `json:"attempt"`
	Worker          string    `json:"worker,omitempty"`
	CreatedAt       time.Time `json:"created_at"`
	StartedAt       time.Time `json:"started_at"`
	CancelRequested bool      `json:"cancel_requested,omitempty"`
	// Chunks is the length of its chunk log, 0 while there is none; TTLSeconds
	// is how long the log will outlive its last chunk.
	Chunks     int `json:"chunks"`
	TTLSeconds int `json:"ttl_seconds"`
}

// FailedAnswer is an answer that ended as failed or interrupted.
type FailedAnswer struct {
	TaskID         string    `json:"task_id"`
	ConversationID string    `json:"conversation_id"`
	Title          string    `json:"title"`
	Model          string    `json:"model,omitempty"`
	State          TaskState `json:"state"`
	Attempt        int       `json:"attempt"`
	FinishedAt     time.Time `json:"finished_at"`
	Error          *Error    `json:"error,omitempty"`
}

// RedisStats is what Redis says of itself.
type RedisStats struct {
	// QueueLengths are the lengths of the lists of wake-ups.
	QueueLengths map[Priority]int `json:"queue_lengths"`
	// Keys are all keys of the database that we use, whoever's they are; KeysWithoutTTL
	// are those that never expire. Each is -1 where Redis does not tell.
	Keys           int `json:"keys"`
	KeysWithoutTTL int `json:"keys_without_ttl"`
	// UsedBytes is the memory of all of Redis, LimitBytes its maxmemory, 0 where
	// there is none or the engine does not tell.
	UsedBytes  int64 `json:"used_bytes,omitempty"`
	LimitBytes int64 `json:"limit_bytes,omitempty"`
}

// LogStats is how long a task's chunk log is, how long it will be kept, and the
// model that its metadata name.
type LogStats struct {
	Chunks int
	TTL    time.Duration
	Model  string
}
