// Package model says what a model is to the rest of the program: something that streams
// an answer to a Request as Events. It knows of no provider.
package model

import (
	"encoding/json"
	"log/slog"
	"net/url"

	"chat"
)

// Request asks for one answer.
type Request struct {
	// Model is an id, or <provider>/<id>; empty means the default.
	Model    string
	System   string
	Messages []chat.Message
	Tools    []Tool // that the model may call
	// Credentials, if set, are the client's own provider, used instead of the
	// configured one.
	Credentials *Credentials
}

// Tool is a tool that a model may call.
type Tool struct {
	Name        string
	Description string
	Parameters  json.RawMessage // a JSON Schema of the arguments
}

// Credentials are a client's own provider. They live in memory only and print
// without their key.
type Credentials struct {
	Key     string
	BaseURL string // empty means the provider's default
}

// String describes the credentials without the key.
func (c Credentials) String() string {
	key := "set"
	if c.Key == "" {
		key = "unset"
	}
	return "credentials for " + withoutSecrets(c.BaseURL) + ", key " + key
}

// withoutSecrets is a URL without user info and query.
func withoutSecrets(raw string) string {
	if raw == "" {
		return "the default base URL"
	}
	u, err := url.Parse(raw)
	if err != nil {
		return "a base URL that is none"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// GoString keeps the key out of %#v.
func (c Credentials) GoString() string { return c.String() }

// LogValue keeps the key out of logs.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON keeps the key out of JSON.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }

// Event is one step of an answer: a chunk, a correction, a notice, or, exactly once and
// last, the finish.
type Event struct {
	// Chunk is a piece of a part: content, reasoning or a tool call. Its text is valid
	// UTF-8 without NUL. Index and Attempt are not set.
	Chunk chat.Chunk
	// Retype says that all text so far is of the chunk's type: only now it became known
	// that what looked like the answer was reasoning, or the other way round.
	Retype bool
	Notice string // as in chat.Task.Notices
	Finish *Finish
}

// Finish is the proper end of an answer.
type Finish struct {
	Reason string      // as the provider says: stop, length, content_filter, …
	Usage  *chat.Usage // nil if the provider did not say, or said nonsense
	Model  string      // the model that answered
}
