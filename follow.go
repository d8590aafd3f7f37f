package chat

import "time"

// ConnStatus is the status of a client's connection to the daemon.
type ConnStatus string

// The statuses of a connection.
const (
	ConnLive         ConnStatus = "live"
	ConnReconnecting ConnStatus = "reconnecting"
)

// ConnState is a change of a client's connection while it follows a task. Reason and
// NextTry are set while it is reconnecting.
type ConnState struct {
	State   ConnStatus
	Reason  string
	NextTry time.Time
}

// FollowEvent is one event of a client that follows a task: a chunk, or a change of the
// connection. Exactly one of the two is set.
type FollowEvent struct {
	Chunk *Chunk
	Conn  *ConnState
}

// Model is one entry of the list of models.
type Model struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Default  bool   `json:"default,omitempty"`
	Unlisted bool   `json:"unlisted,omitempty"` // the default model, if the provider does not list it
	ModelInfo
}

// Worker is a worker process as it last reported, at SeenAt.
type Worker struct {
	ID          string    `json:"id"`
	Host        string    `json:"host"`
	PID         int       `json:"pid"`
	Version     string    `json:"version"`
	Concurrency int       `json:"concurrency"`
	Running     int       `json:"running"`
	StartedAt   time.Time `json:"started_at"`
	SeenAt      time.Time `json:"seen_at"`
}
