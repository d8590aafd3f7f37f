package client

import (
	"context"
	"net/http"
	"net/url"

	"chat"
	"chat/internal/report"
)

// ContextUse returns how full the context of a conversation's model is.
func (c *Client) ContextUse(ctx context.Context, conversationID string) (report.ContextUse, error) {
	var out report.ContextUse
	err := c.do(ctx, request{method: http.MethodGet, path: lengthPath(conversationID, "context"), again: true, out: &out})
	return out, err
}

// Compact starts a summary of a conversation by its model, or by the named one, and returns
// the task that writes it. One that is being written already is returned again.
func (c *Client) Compact(ctx context.Context, conversationID, model string) (chat.Accepted, error) {
	var out chat.Accepted
	in := struct {
		Model string `json:"model,omitempty"`
	}{model}
	err := c.do(ctx, request{method: http.MethodPost, path: lengthPath(conversationID, "compact"), body: in, again: true, provider: true, out: &out})
	return out, err
}

// UndoCompact stops the use of the newest summary of a conversation, and returns it. It is not
// repeated after a lost connection, because the next one would be removed.
func (c *Client) UndoCompact(ctx context.Context, conversationID string) (chat.Summary, error) {
	var out chat.Summary
	err := c.do(ctx, request{method: http.MethodDelete, path: lengthPath(conversationID, "compact"), out: &out})
	return out, err
}

// Sent returns what a model received for an answer.
func (c *Client) Sent(ctx context.Context, taskID string) (report.SentRequest, error) {
	var out report.SentRequest
	err := c.do(ctx, request{method: http.MethodGet, path: "/tasks/" + url.PathEscape(taskID) + "/sent", again: true, out: &out})
	return out, err
}

func lengthPath(conversationID, what string) string {
	return "/conversations/" + url.PathEscape(conversationID) + "/" + what
}
