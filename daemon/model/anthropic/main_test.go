package anthropic_test

import (
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/anthropic"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newRegistry returns a registry whose only provider is a server with the Messages API.
func newRegistry(t *testing.T, url string, edit ...func(*providers.Config)) *providers.Registry {
	t.Helper()
	cfg := providers.Config{Named: []providers.Named{{
		Name: "anthropic", Kind: providers.Anthropic, BaseURL: url, Key: modeltest.Key, DefaultModel: "claude-test",
	}}}
	for _, e := range edit {
		e(&cfg)
	}
	r := providers.New(cfg)
	t.Cleanup(r.Close)
	return r
}

// scripts are answers that both clients read.
func scripts() map[string]modeltest.Script {
	return map[string]modeltest.Script{
		"text":     {Blocks: []modeltest.Block{{Type: "text", Text: "Grüße, Welt 😀!"}}},
		"thinking": {Blocks: []modeltest.Block{modeltest.Thought("Let me see.", "sig+1=="), {Type: "text", Text: "42"}}},
		"omitted":  {Blocks: []modeltest.Block{modeltest.Thought("", "sig+2=="), {Type: "text", Text: "42"}}},
		"redacted": {Blocks: []modeltest.Block{modeltest.Thought("One.", "sig+3=="), {Type: "redacted_thinking", Data: "b3BhcXVl"}, {Type: "text", Text: "Two."}}},
		"tools": {Reason: "tool_use", Blocks: []modeltest.Block{
			modeltest.Thought("A look.", "sig+4=="),
			{Type: "text", Text: "I look."},
			{Type: "tool_use", ID: "toolu_01", Name: "look", Input: json.RawMessage(`{"at":"☃ here","n":[1,2]}`)},
			{Type: "tool_use", ID: "toolu_02", Name: "rest"},
		}},
		"length": {Reason: "max_tokens", Blocks: []modeltest.Block{{Type: "text", Text: "never en"}}},
	}
}

// listed are entries of a list of models.
func listed() []string {
	return []string{
		`{"type":"model","id":"claude-new-6","display_name":"New","created_at":"2026-06-01T00:00:00Z","max_input_tokens":1000000,"max_tokens":128000,"lifecycle":"active",` +
			`"capabilities":{"effort":{"supported":true,"low":{"supported":true},"medium":{"supported":true},"high":{"supported":true},"xhigh":{"supported":false},"max":{"supported":false}},` +
			`"thinking":{"supported":true,"types":{"adaptive":{"supported":true},"enabled":{"supported":false}}}}}`,
		`{"type":"model","id":"claude-small-4-5-20251001","display_name":"Small","created_at":"2025-10-01T00:00:00Z","max_input_tokens":200000,"max_tokens":64000,"lifecycle":"active",` +
			`"capabilities":{"effort":{"supported":false},"thinking":{"supported":true,"types":{"adaptive":{"supported":false},"enabled":{"supported":true}}}}}`,
		`{"type":"model","id":"claude-old-3-20240307","display_name":"Old","created_at":"2024-03-07T00:00:00Z","max_tokens":4096,"lifecycle":"retired"}`,
		`{"type":"model","id":"claude-test","display_name":"Test","created_at":"2026-01-01T00:00:00Z"}`,
	}
}

// ask asks a server, which has the script, for an answer.
func ask(t *testing.T, script modeltest.Script, req model.Request) (modeltest.Result, *modeltest.Anthropic) {
	t.Helper()
	server := modeltest.NewAnthropic(t, script)
	return modeltest.Collect(t.Context(), t, newRegistry(t, server.URL), req), server
}

// said is a script with one text.
func said(text string) modeltest.Script {
	return modeltest.Script{Blocks: []modeltest.Block{{Type: "text", Text: text}}}
}

// thread returns a request with messages, the users' and the assistant's in turn.
func thread(parts ...chat.Parts) model.Request {
	var req model.Request
	for i, p := range parts {
		m := chat.Message{Role: chat.RoleUser}
		if i%2 == 1 {
			m.Role = chat.RoleAssistant
		}
		m.SetParts(p)
		req.Messages = append(req.Messages, m)
	}
	return req
}

func text(s string) chat.Parts { return chat.TextParts(s) }

// stream collects an answer without modeltest.Collect, which replaces the parts of users.
func stream(t *testing.T, r *providers.Registry, req model.Request) modeltest.Result {
	t.Helper()
	var out modeltest.Result
	for e, err := range r.Stream(t.Context(), req) {
		switch {
		case err != nil:
			out.Err = err
		case e.Notice != "":
			out.Notices = append(out.Notices, e.Notice)
		case e.Finish != nil:
			out.Finish = e.Finish
		case e.Chunk.Type != "":
			out.Parts.Apply(e.Chunk)
		}
	}
	out.Content = out.Parts.Text()
	return out
}

// blocks formats the blocks of a turn.
func blocks(turn modeltest.AskedTurn) string {
	var out []string
	for _, b := range turn.Content {
		s := b.Type
		switch b.Type {
		case "text":
			s += "=" + b.Text
		case "thinking":
			s += "=" + *b.Thinking + "/" + b.Signature
		case "redacted_thinking":
			s += "=" + b.Data
		case "tool_use":
			s += "=" + b.ID + "/" + b.Name + string(b.Input)
		case "tool_result":
			s += "=" + b.ToolUseID + string(b.Content)
		case "image", "document":
			s += "=" + b.Source.MediaType
		}
		if len(b.Cache) > 0 {
			s += "*"
		}
		out = append(out, s)
	}
	return turn.Role + ": " + strings.Join(out, " ")
}

var _ model.Provider = (*anthropic.Provider)(nil)
