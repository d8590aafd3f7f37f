package chat

import "time"

// ConnStatus says how a follower's connection stands.
type ConnStatus string

// The states of a follower's connection.
const (
	ConnLive         ConnStatus = "live"
	ConnReconnecting ConnStatus = "reconnecting"
)

// ConnState is a change of a follower's connection. Reason and NextTry are set while
// it is reconnecting.
type ConnState struct {
	State   ConnStatus
	Reason  string
	NextTry time.Time
}

// FollowEvent is what following a task yields: a chunk, or a change of the
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
	Unlisted bool   `json:"unlisted,omitempty"` // a Default that the provider does not list
	ModelInfo
}

// ModelInfo are what a provider tells of a model, 0 where it does not.
type ModelInfo struct {
	// Context is how many tokens fit, question and answer together.
	Context int `json:"context,omitempty"`
	// What a million tokens cost, in dollars.
	InputPrice  float64 `json:"input_price,omitempty"`
	OutputPrice float64 `json:"output_price,omitempty"`
}

// Worker is one worker process, as it last reported itself.
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
