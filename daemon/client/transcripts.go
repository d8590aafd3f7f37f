package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"chat"
	"chat/internal/transcript"
)

// importTimeout is how long one try of an import may take: more than the server
// gives it.
const importTimeout = 90 * time.Second

// Import stores an exported conversation and uploads its attachments. It is idempotent: it
// adds only the messages that the server does not have. With dry it stores nothing, and the
// result describes what it would do.
func (c *Client) Import(ctx context.Context, t transcript.Transcript, dry bool) (transcript.Imported, error) {
	if dry || len(t.Attachments) == 0 {
		return c.importOnce(ctx, t, dry)
	}
	would, err := c.importOnce(ctx, t, true)
	if err != nil || would.Status == transcript.ImportUnchanged { // nothing to upload for
		return would, err
	}
	if err := c.uploadAll(ctx, t.Attachments, nil); err != nil {
		return transcript.Imported{}, err
	}
	return c.importOnce(ctx, t, false)
}

func (c *Client) importOnce(ctx context.Context, t transcript.Transcript, dry bool) (transcript.Imported, error) {
	path := "/conversations/import"
	if dry {
		path += "?dry_run=true"
	}
	var out transcript.Imported
	err := c.do(ctx, request{method: http.MethodPost, path: path, body: t, again: true, timeout: importTimeout, out: &out})
	return out, err
}

// Fork selects what is copied: the path to a message, the newest one if
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
