package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"chat"
)

// importTimeout is how long one try of an import may take: more than the server
// gives it.
const importTimeout = 90 * time.Second

// Import stores a conversation as it was exported. It is idempotent: what is there
// already stays, and what is missing is added. With dry nothing is stored, and the
// answer says what would be.
func (c *Client) Import(ctx context.Context, t chat.Transcript, dry bool) (chat.Imported, error) {
	path := "/conversations/import"
	if dry {
		path += "?dry_run=true"
	}
	var out chat.Imported
	err := c.do(ctx, request{method: http.MethodPost, path: path, body: t, again: true, patience: importTimeout, out: &out})
	return out, err
}

// Fork says of what a fork is made: the way down to a message, the newest one if
// it is "". Without a title it is the original's, marked.
type Fork struct {
	MessageID string `json:"message_id,omitempty"`
	Title     string `json:"title,omitempty"`
}

// Fork copies the way down to a message into a new conversation. An empty key is
// replaced by a random one.
func (c *Client) Fork(ctx context.Context, conversationID string, f Fork, key string) (chat.Conversation, error) {
	var out chat.Conversation
	err := c.do(ctx, request{
		method: http.MethodPost, path: "/conversations/" + url.PathEscape(conversationID) + "/fork",
		body: f, key: orRandom(key), again: true, out: &out,
	})
	return out, err
}
