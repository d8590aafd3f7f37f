package anthropic_test

import (
	"encoding/json"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"chat/daemon/model/modeltest"
)

// The scripted server is as Anthropic's own only if Anthropic's own client accepts it.
func TestTheOfficialClientReadsTheScripts(t *testing.T) {
	for name, script := range scripts() {
		t.Run(name, func(t *testing.T) {
			server := modeltest.NewAnthropic(t, script)
			client := sdk.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey(modeltest.Key), option.WithMaxRetries(0))
			params := sdk.MessageNewParams{
				Model: "claude-test", MaxTokens: 100,
				Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("hello"))},
			}
			whole, err := client.Messages.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			wantMessage(t, "whole", whole, script)
			stream := client.Messages.NewStreaming(t.Context(), params)
			defer func() { _ = stream.Close() }() // read to its end
			var streamed sdk.Message
			for stream.Next() {
				if err := streamed.Accumulate(stream.Current()); err != nil {
					t.Fatal(err)
				}
			}
			if err := stream.Err(); err != nil {
				t.Fatal(err)
			}
			wantMessage(t, "streamed", &streamed, script)
		})
	}
}

// wantMessage checks a message that the official client has read.
func wantMessage(t *testing.T, how string, m *sdk.Message, script modeltest.Script) {
	t.Helper()
	if len(m.Content) != len(script.Blocks) || m.StopReason == "" || m.Model != "claude-test" || m.Usage.OutputTokens != 12 || m.Usage.CacheReadInputTokens != 100 {
		t.Fatalf("%s: %+v", how, m)
	}
	for i, b := range script.Blocks {
		got := m.Content[i]
		if got.Type != b.Type || got.Text != b.Text || got.Signature != b.Signature || got.Data != b.Data || got.ID != b.ID || got.Name != b.Name {
			t.Errorf("%s: block %d: %s, want %+v", how, i, got.RawJSON(), b)
		}
		if b.Thinking != nil && got.Thinking != *b.Thinking {
			t.Errorf("%s: block %d: %q, want %q", how, i, got.Thinking, *b.Thinking)
		}
		if b.Type == "tool_use" && len(b.Input) > 0 {
			var want, have any
			if json.Unmarshal(b.Input, &want) != nil || json.Unmarshal(got.Input, &have) != nil || encode(t, want) != encode(t, have) {
				t.Errorf("%s: block %d: %s, want %s", how, i, got.Input, b.Input)
			}
		}
	}
}

func TestTheOfficialClientReadsTheErrorsAndTheList(t *testing.T) {
	server := modeltest.NewAnthropic(t, modeltest.Script{Status: 529, Message: "Overloaded"})
	client := sdk.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey(modeltest.Key), option.WithMaxRetries(0))
	_, err := client.Messages.New(t.Context(), sdk.MessageNewParams{
		Model: "claude-test", MaxTokens: 100, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("hello"))},
	})
	if failed, ok := err.(*sdk.Error); !ok || failed.StatusCode != 529 || failed.Type() != sdk.ErrorTypeOverloadedError { //nolint:errorlint // the client's own type
		t.Errorf("%v", err)
	}
	server.Models, server.PageSize = listed(), 2
	pages := client.Models.ListAutoPaging(t.Context(), sdk.ModelListParams{})
	var ids []string
	for pages.Next() {
		ids = append(ids, pages.Current().ID)
	}
	if pages.Err() != nil || len(ids) != len(listed()) {
		t.Errorf("%v, %v", ids, pages.Err())
	}
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
