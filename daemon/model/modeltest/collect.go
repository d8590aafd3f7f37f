package modeltest

import (
	"context"
	"fmt"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/internal/blocks"
)

// Key is the key of providers in tests. Collect checks that no error shows it.
const Key = "sk-test-0123456789"

// Timeout bounds what must not take long; nothing waits for it to pass.
const Timeout = time.Minute

// Streamer is a model.Provider or a model.Registry.
type Streamer interface {
	Stream(ctx context.Context, req model.Request) iter.Seq2[model.Event, error]
}

// Ask is a request with one message.
func Ask(content string) model.Request {
	return model.Request{Messages: []chat.Message{{Role: chat.RoleUser, Content: content}}}
}

// WithAttachments returns req with parts in place of the blocks (see package blocks) in
// users' messages. Its Attachment returns what the blocks hold. A req that has an Attachment is
// not changed.
func WithAttachments(req model.Request) model.Request {
	if req.Attachment != nil {
		return req
	}
	stored := map[string]chat.Attachment{}
	req.Messages = slices.Clone(req.Messages)
	for i := range req.Messages {
		m := &req.Messages[i]
		if m.Role != chat.RoleUser {
			continue
		}
		parts, attachments := blocks.Parts(m.Content)
		m.SetParts(parts)
		for _, a := range attachments {
			stored[a.Digest] = a
		}
	}
	req.Attachment = func(_ context.Context, digest string) (chat.Attachment, error) {
		a, ok := stored[digest]
		if !ok {
			return a, chat.Errorf(chat.CodeNotFound, "no such attachment")
		}
		return a, nil
	}
	return req
}

// Result is what the events of an answer add up to.
type Result struct {
	Content, Reasoning string
	First              string // the first text
	Events, Retypes    int
	Voids              int
	Upstream           string // the last one
	Notices            []string
	Calls              chat.Parts // of tools
	Parts              chat.Parts // all of the answer
	Finish             *model.Finish
	Err                error
}

// Collect reads the answer to WithAttachments(req), and checks what holds for every answer.
func Collect(ctx context.Context, t *testing.T, from Streamer, req model.Request) Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var r Result
	for e, err := range from.Stream(ctx, WithAttachments(req)) {
		if r.First == "" {
			r.First = e.Chunk.Content
		}
		if r.Finish != nil || r.Err != nil {
			t.Fatalf("something after the end: %+v, %v", e, err)
		}
		if err != nil {
			r.Err = err
		} else if err := r.add(e); err != nil {
			t.Fatal(err)
		}
	}
	if (r.Finish == nil) == (r.Err == nil) {
		t.Fatalf("finish %+v and error %v: exactly one must be set", r.Finish, r.Err)
	}
	if r.Err != nil && strings.Contains(r.Err.Error(), Key) {
		t.Fatalf("the key is in the error: %v", r.Err)
	}
	return r
}

func (r *Result) add(e model.Event) error {
	switch {
	case e.Void:
		r.Parts = nil
	case e.Chunk.Type != "" && !e.Retype:
		r.Parts.Apply(e.Chunk)
	}
	switch {
	case e.Finish != nil:
		r.Finish = e.Finish
	case e.Notice != "":
		r.Notices = append(r.Notices, e.Notice)
	case e.Upstream != "":
		r.Upstream = e.Upstream
	case e.Void:
		r.Voids++
		r.Content, r.Reasoning, r.Calls = "", "", nil
	case e.Retype && e.Chunk.Content == "":
		r.Retypes++
		r.Content, r.Reasoning = r.Reasoning+r.Content, ""
		if e.Chunk.Type == chat.ChunkReasoning {
			r.Content, r.Reasoning = "", r.Content
		}
	case e.Chunk.ProviderData != nil && e.Chunk.Content == "":
	case e.Chunk.Type == chat.ChunkToolCall:
		r.Calls.Apply(e.Chunk)
		r.Events++
	case e.Chunk.Content == "" || e.Chunk.Content != chat.NormalizeText(e.Chunk.Content):
		return fmt.Errorf("text %q is empty or not normal", e.Chunk.Content)
	case e.Chunk.Type == chat.ChunkReasoning:
		r.Reasoning += e.Chunk.Content
		r.Events++
	case e.Chunk.Type == chat.ChunkContent:
		r.Content += e.Chunk.Content
		r.Events++
	default:
		return fmt.Errorf("event of type %q", e.Chunk.Type)
	}
	return nil
}

// WantCode checks the code of an error and whether it is retryable.
func WantCode(t *testing.T, err error, code chat.Code, retryable bool) {
	t.Helper()
	_ = ErrorOf(t, err, code, retryable) // only the check is wanted
}

// ErrorOf returns err, which must have the code.
func ErrorOf(t *testing.T, err error, code chat.Code, retryable bool) *chat.Error {
	t.Helper()
	e, ok := err.(*chat.Error) //nolint:errorlint // the contract is the type itself
	if !ok || e.Code != code || e.Retryable != retryable {
		t.Fatalf("error %#v, want code %s, retryable %v", err, code, retryable)
	}
	return e
}

// ListServer serves body as every response, and counts the requests if asked is not nil.
// It returns its base URL.
func ListServer(t *testing.T, body string, asked *atomic.Int32) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked != nil {
			asked.Add(1)
		}
		_, _ = fmt.Fprint(w, body) // the client left
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

// ClosedURL is a base URL where nothing listens.
func ClosedURL(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // it only found a free port
	return "http://" + l.Addr().String() + "/v1"
}

// FormatModels formats a list as "provider:id", the default with a star.
func FormatModels(list []chat.Model) string {
	var b strings.Builder
	for _, m := range list {
		star := ""
		if m.Default {
			star = "*"
		}
		fmt.Fprintf(&b, "%s:%s%s ", m.Provider, m.ID, star)
	}
	return strings.TrimSpace(b.String())
}
