package provider_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat"
	"chat/daemon/model"
	"chat/daemon/provider"
	"chat/daemon/provider/providertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "sk-test-0123456789"

// patience bounds what must not take long; nothing waits for it to pass.
const patience = time.Minute

// lying is a lying provider and a registry that is configured for it.
func lying(t *testing.T, edit ...func(*provider.Config)) (*providertest.Server, *provider.Registry) {
	t.Helper()
	server := providertest.New(t)
	cfg := provider.Config{BaseURL: server.URL, Key: testKey, DefaultModel: "lying"}
	for _, e := range edit {
		e(&cfg)
	}
	return server, registry(t, cfg)
}

func registry(t *testing.T, cfg provider.Config) *provider.Registry {
	t.Helper()
	r := provider.New(cfg)
	t.Cleanup(r.Close)
	return r
}

func ask(content string) model.Request {
	return model.Request{Messages: []chat.Message{{Role: chat.RoleUser, Content: content}}}
}

// got is what came of an answer.
type got struct {
	content, reasoning string
	first              string // the first text
	events, retyped    int
	notices            []string
	calls              chat.Parts // of tools
	finish             *model.Finish
	err                error
}

// read ranges over an answer and checks what every answer must keep.
func read(t *testing.T, ctx context.Context, r *provider.Registry, req model.Request) got {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var g got
	for e, err := range r.Stream(ctx, req) {
		if g.first == "" {
			g.first = e.Chunk.Content
		}
		if g.finish != nil || g.err != nil {
			t.Fatalf("something after the end: %+v, %v", e, err)
		}
		switch {
		case err != nil:
			g.err = err
		case e.Finish != nil:
			g.finish = e.Finish
		case e.Notice != "":
			g.notices = append(g.notices, e.Notice)
		case e.Retype && e.Chunk.Content == "":
			g.retyped++
			g.content, g.reasoning = g.reasoning+g.content, ""
			if e.Chunk.Type == chat.ChunkReasoning {
				g.content, g.reasoning = "", g.content
			}
		case e.Chunk.Type == chat.ChunkToolCall:
			g.calls.Apply(e.Chunk)
			g.events++
		case e.Chunk.Content == "" || e.Chunk.Content != chat.NormalizeText(e.Chunk.Content):
			t.Fatalf("text %q is empty or not normal", e.Chunk.Content)
		case e.Chunk.Type == chat.ChunkReasoning:
			g.reasoning += e.Chunk.Content
			g.events++
		case e.Chunk.Type == chat.ChunkContent:
			g.content += e.Chunk.Content
			g.events++
		default:
			t.Fatalf("event of type %q", e.Chunk.Type)
		}
	}
	if (g.finish == nil) == (g.err == nil) {
		t.Fatalf("finish %+v and error %v: exactly one must be set", g.finish, g.err)
	}
	if g.err != nil && strings.Contains(g.err.Error(), testKey) {
		t.Fatalf("the key is in the error: %v", g.err)
	}
	return g
}

func wantCode(t *testing.T, err error, code chat.Code, retryable bool) {
	t.Helper()
	_ = coded(t, err, code, retryable) // the error is as it should be, and nothing more is asked
}

// coded is the error, which must have that code.
func coded(t *testing.T, err error, code chat.Code, retryable bool) *chat.Error {
	t.Helper()
	e, ok := err.(*chat.Error) //nolint:errorlint // the contract is the type itself
	if !ok || e.Code != code || e.Retryable != retryable {
		t.Fatalf("error %#v, want code %s, retryable %v", err, code, retryable)
	}
	return e
}
