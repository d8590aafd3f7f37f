package client

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/google/uuid"

	"chat"
	"chat/internal/report"
)

// Range is a range of protocol versions, both ends included.
type Range struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Overlaps reports whether both speak at least one version.
func (r Range) Overlaps(o Range) bool { return r.Min <= o.Max && o.Min <= r.Max }

// Hello is a server's description of itself. Its format never changes.
type Hello struct {
	Instance string `json:"instance"`
	Version  string `json:"version"`
	Protocol Range  `json:"protocol"`
	State    string `json:"state"` // "ready" or "draining"
	PID      int    `json:"pid"`
}

// StateReady is the State of a server that takes work; any other does not.
const StateReady = "ready"

// Hello returns the server's description of itself. The call is never repeated, because the
// caller wants the state at this moment.
func (c *Client) Hello(ctx context.Context) (Hello, error) {
	var h Hello
	err := c.do(ctx, request{method: http.MethodGet, path: "/hello", single: true, out: &h})
	return h, err
}

// NewConversation has the fields of a new conversation; all are optional.
type NewConversation struct {
	Title  string `json:"title,omitempty"`
	Model  string `json:"model,omitempty"`
	System string `json:"system,omitempty"`
}

// CreateConversation creates a conversation. With an idempotency key, it is safe to repeat.
func (c *Client) CreateConversation(ctx context.Context, n NewConversation, key string) (chat.Conversation, error) {
	var out chat.Conversation
	err := c.do(ctx, request{method: http.MethodPost, path: "/conversations", body: n, key: key, again: key != "", out: &out})
	return out, err
}

// Conversations lists conversations, newest first, and the cursor of the next
// page ("" at the end).
func (c *Client) Conversations(ctx context.Context, q chat.ConversationQuery) ([]chat.Conversation, string, error) {
	var out struct {
		Conversations []chat.Conversation `json:"conversations"`
		NextCursor    string              `json:"next_cursor"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/conversations" + conversationQuery(q), again: true, out: &out})
	return out.Conversations, out.NextCursor, err
}

// Search lists the conversations that have the words of q, newest first, each with the
// message and the snippet that have most of them, and the cursor of the next page.
func (c *Client) Search(ctx context.Context, q chat.ConversationQuery) ([]chat.Match, string, error) {
	var out struct {
		Matches    []chat.Match `json:"matches"`
		NextCursor string       `json:"next_cursor"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/search" + conversationQuery(q), again: true, out: &out})
	return out.Matches, out.NextCursor, err
}

// Usage counts the answers since a time by model; the zero time counts all.
func (c *Client) Usage(ctx context.Context, since time.Time) ([]chat.ModelUsage, error) {
	v := url.Values{}
	if !since.IsZero() {
		set(v, "since", since.UTC().Format(time.RFC3339Nano))
	}
	var out struct {
		Models []chat.ModelUsage `json:"models"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/usage" + query(v), again: true, out: &out})
	return out.Models, err
}

// Conversation returns one conversation.
func (c *Client) Conversation(ctx context.Context, id string) (chat.Conversation, error) {
	var out chat.Conversation
	err := c.do(ctx, request{method: http.MethodGet, path: "/conversations/" + url.PathEscape(id), again: true, out: &out})
	return out, err
}

// UpdateConversation changes a conversation's title, model or system prompt.
func (c *Client) UpdateConversation(ctx context.Context, id string, ch chat.ConversationPatch) (chat.Conversation, error) {
	var out chat.Conversation
	err := c.do(ctx, request{method: http.MethodPatch, path: "/conversations/" + url.PathEscape(id), body: ch, again: true, out: &out})
	return out, err
}

// DeleteConversation deletes a conversation and cancels its tasks.
func (c *Client) DeleteConversation(ctx context.Context, id string) error {
	return c.do(ctx, request{method: http.MethodDelete, path: "/conversations/" + url.PathEscape(id), again: true})
}

// Messages lists a conversation's messages in the order of their acceptance.
func (c *Client) Messages(ctx context.Context, conversationID string) ([]chat.Message, error) {
	var out struct {
		Messages []chat.Message `json:"messages"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/conversations/" + url.PathEscape(conversationID) + "/messages", again: true, out: &out})
	return out.Messages, err
}

// Submit uploads the attachments of a message and submits it. The same key with the same
// submission returns the first result. A random key replaces an empty one, so that the call
// can be repeated after a lost connection.
func (c *Client) Submit(ctx context.Context, s chat.Submission, key string) (chat.Accepted, error) {
	var out chat.Accepted
	if err := c.uploadAll(ctx, s.Attachments, s.Parts); err != nil {
		return out, err
	}
	err := c.do(ctx, request{
		method: http.MethodPost, path: "/messages", body: s, key: orRandom(key), again: true, provider: true, out: &out,
	})
	return out, err
}

// Regenerate requests another answer as a sibling of an answer, or its continuation. For the key
// see Submit.
func (c *Client) Regenerate(ctx context.Context, messageID string, r chat.Regeneration, key string) (chat.Accepted, error) {
	var out chat.Accepted
	call := "/regenerate"
	if r.Continue {
		call = "/continue"
	}
	err := c.do(ctx, request{
		method: http.MethodPost, path: "/messages/" + url.PathEscape(messageID) + call,
		body: r, key: orRandom(key), again: true, provider: true, out: &out,
	})
	return out, err
}

// StateActive means queued or running in the query of Tasks.
const StateActive chat.TaskState = "active"

// Tasks lists tasks, newest first.
func (c *Client) Tasks(ctx context.Context, q chat.TaskQuery) ([]chat.Task, error) {
	v := url.Values{}
	for _, s := range q.States {
		v.Add("state", string(s))
	}
	set(v, "id", q.ID)
	set(v, "conversation_id", q.ConversationID)
	if q.Answers {
		v.Set("answers", "true")
	}
	setInt(v, "limit", q.Limit)
	var out struct {
		Tasks []chat.Task `json:"tasks"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/tasks" + query(v), again: true, out: &out})
	return out.Tasks, err
}

// Task returns one task.
func (c *Client) Task(ctx context.Context, id string) (chat.Task, error) {
	var out chat.Task
	err := c.do(ctx, request{method: http.MethodGet, path: "/tasks/" + url.PathEscape(id), again: true, out: &out})
	return out, err
}

// Cancelled is the result of Cancel. Won says that the task had not ended before; State is
// the state of the task.
type Cancelled struct {
	TaskID string         `json:"task_id"`
	Won    bool           `json:"won"`
	State  chat.TaskState `json:"state"`
}

// Cancel stops a task. It is idempotent.
func (c *Client) Cancel(ctx context.Context, id string) (Cancelled, error) {
	var out Cancelled
	err := c.do(ctx, request{method: http.MethodPost, path: "/tasks/" + url.PathEscape(id) + "/cancel", body: struct{}{}, again: true, out: &out})
	return out, err
}

// Models lists the models.
func (c *Client) Models(ctx context.Context) ([]chat.Model, error) {
	list, _, err := c.ModelsWithNotice(ctx)
	return list, err
}

// ModelsWithNotice lists the models. notice says why the models of a provider are missing
// from the list, which has others; nil if none are.
func (c *Client) ModelsWithNotice(ctx context.Context) (list []chat.Model, notice *chat.Error, err error) {
	var out struct {
		Models     []chat.Model `json:"models"`
		Notice     string       `json:"notice"`
		NoticeCode chat.Code    `json:"notice_code"`
	}
	err = c.do(ctx, request{method: http.MethodGet, path: "/models", again: true, provider: true, out: &out})
	if out.Notice != "" {
		notice = chat.Errorf(cmp.Or(out.NoticeCode, chat.CodeProviderModel), "%s", out.Notice)
	}
	return out.Models, notice, err
}

// Workers lists the workers.
func (c *Client) Workers(ctx context.Context) ([]chat.Worker, error) {
	var out struct {
		Workers []chat.Worker `json:"workers"`
	}
	err := c.do(ctx, request{method: http.MethodGet, path: "/workers", again: true, out: &out})
	return out.Workers, err
}

// Stats returns the server's load, and the caller's answers.
func (c *Client) Stats(ctx context.Context) (report.Stats, error) {
	var out report.Stats
	err := c.do(ctx, request{method: http.MethodGet, path: "/stats", again: true, out: &out})
	return out, err
}

// Readiness is the state of a server that could answer.
type Readiness struct {
	Status string `json:"status"`
	Redis  string `json:"redis"` // "ok", "down" or a problem; "" from an older server
}

// Ready returns the readiness of the server, or an error if it is not ready. The call is
// never repeated.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	var out Readiness
	err := c.do(ctx, request{method: http.MethodGet, path: "/readyz", single: true, out: &out})
	return out, err
}

// Shutdown asks a local daemon to end when it is idle, or immediately. In the latter case
// the daemon releases its running tasks.
func (c *Client) Shutdown(ctx context.Context, now bool) error {
	body := struct {
		Now bool `json:"now,omitempty"`
	}{now}
	return c.do(ctx, request{method: http.MethodPost, path: "/shutdown", body: body, single: true})
}

func orRandom(key string) string {
	if key == "" {
		return uuid.NewString()
	}
	return key
}

func set(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setInt(v url.Values, name string, n int) {
	if n > 0 {
		v.Set(name, strconv.Itoa(n))
	}
}

func conversationQuery(q chat.ConversationQuery) string {
	v := url.Values{}
	set(v, "q", q.Search)
	set(v, "id", q.ID)
	set(v, "cursor", q.Cursor)
	setInt(v, "limit", q.Limit)
	if q.Temporary {
		set(v, "temporary", "true")
	}
	return query(v)
}

func query(v url.Values) string {
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// OpenWeb makes a local daemon listen for browsers on an IP address of this machine, "" for
// this machine only, and returns the address of its page with a code that can be used once.
func (c *Client) OpenWeb(ctx context.Context, address string) (string, error) {
	var out struct {
		URL string `json:"url"`
	}
	err := c.do(ctx, request{method: http.MethodPost, path: "/web/open", body: map[string]string{"address": address}, again: true, out: &out})
	return out.URL, err
}
