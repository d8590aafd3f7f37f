package daemon_test

import (
	"encoding/json"
	"testing"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/model/modeltest"
)

// caller is a script with signed reasoning and a call.
func caller() modeltest.Script {
	return modeltest.Script{Reason: "tool_use", Blocks: []modeltest.Block{
		modeltest.Thought("A look.", "sig=="),
		{Type: "redacted_thinking", Data: "b3BhcXVl"},
		modeltest.Thought("", "omitted=="),
		{Type: "text", Text: "I look."},
		{Type: "tool_use", ID: "toolu_01", Name: "look", Input: json.RawMessage(`{"at":"☃"}`)},
	}}
}

// Signed reasoning goes through the log and SQL unchanged, and back to its provider.
func TestSignedReasoningSurvivesTheStore(t *testing.T) {
	t.Parallel()
	server := modeltest.NewAnthropic(t, caller())
	cfg := usual(directory(t))
	cfg.Named = []daemon.NamedProvider{{Name: "anthropic", Kind: daemon.KindAnthropic, BaseURL: server.URL, Key: modeltest.Key, Model: "claude-test"}}
	d := start(t, cfg)
	acc := d.submit("hello")
	text, end := d.follow(acc, nil)
	if text != "I look." || end.Usage == nil || end.Usage.PromptTokens != 125 || end.FinishReason != "tool_use" {
		t.Fatalf("%q, %+v", text, end)
	}
	next, err := d.Submit(t.Context(), chat.Submission{ConversationID: acc.ConversationID, Parts: chat.Parts{{Type: chat.PartToolResult, CallID: "toolu_01", Text: "seen"}}}, "")
	d.must(err)
	d.follow(next, nil)
	requests := server.Requests()
	if len(requests) != 2 || requests[1].Status != 0 || len(requests[1].Messages) != 3 {
		t.Fatalf("%+v", requests)
	}
	for i, want := range caller().Blocks {
		got := requests[1].Messages[1].Content[i]
		if got.Type != want.Type || got.Signature != want.Signature || got.Data != want.Data || got.Text != want.Text || got.ID != want.ID || (got.Thinking == nil) != (want.Thinking == nil) ||
			got.Thinking != nil && *got.Thinking != *want.Thinking || string(got.Input) != string(want.Input) {
			t.Errorf("block %d: %+v, want %+v", i, got, want)
		}
	}
}

// A client brings a provider of this kind along, as chat auth login does to check a key.
func TestAClientsProviderOfAnthropicsKind(t *testing.T) {
	t.Parallel()
	server := modeltest.NewAnthropic(t, modeltest.Script{Blocks: []modeltest.Block{{Type: "text", Text: "Yes."}}})
	cfg := usual(directory(t))
	d := start(t, cfg)
	own := *d
	options := client.Options{ProviderKey: modeltest.Key, ProviderBaseURL: server.URL, ProviderKind: daemon.KindAnthropic}
	own.Client = client.New(client.At(client.Endpoint{Network: "unix", Address: socket(cfg.DataDir)}), options)
	t.Cleanup(own.Close)
	list, err := own.Models(t.Context())
	if err != nil || len(list) != 2 || list[0].ID != "claude-test" || !list[0].Default {
		t.Fatalf("%+v, %v", list, err)
	}
	if text, end := own.follow(own.submit("hello"), nil); text != "Yes." || end.Type != chat.ChunkDone {
		t.Errorf("%q, %+v", text, end)
	}
	options.ProviderKey = "sk-ant-wrong"
	wrong := client.New(client.At(client.Endpoint{Network: "unix", Address: socket(cfg.DataDir)}), options)
	t.Cleanup(wrong.Close)
	if _, err := wrong.Models(t.Context()); !chat.IsCode(err, chat.CodeProviderAuth) {
		t.Error(err)
	}
}
