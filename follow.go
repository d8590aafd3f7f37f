package chat

import "time"

// LinkState says how a follower's connection stands.
type LinkState string

// The states of a follower's connection.
const (
	LinkLive         LinkState = "live"
	LinkReconnecting LinkState = "reconnecting"
)

// Link is a change of a follower's connection. Reason and NextTry are set while
// it is reconnecting.
type Link struct {
	State   LinkState
	Reason  string
	NextTry time.Time
}

// Update is what following a task yields: a chunk, or a change of the
// connection. Exactly one of the two is set.
type Update struct {
	Chunk *Chunk
	Link  *Link
}

// Model is one entry of the list of models.
type Model struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
	Default  bool   `json:"default,omitempty"`
	Unlisted bool   `json:"unlisted,omitempty"` // a Default that the provider does not list
	ModelFacts
}

// ModelFacts are what a provider tells of a model, 0 where it does not.
type ModelFacts struct {
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
