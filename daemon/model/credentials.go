package model

import (
	"encoding/json"
	"log/slog"
	"net/url"
)

// Credentials are a client's own provider. They live in memory only and print
// without their key.
type Credentials struct {
	Key     string
	BaseURL string // empty means the provider's default
	Kind    string // the dialect, as in providers.Named; empty means OpenAI's
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
		return "an invalid base URL"
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
