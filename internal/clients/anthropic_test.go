package clients_test

import (
	"encoding/json"
	"testing"

	"chat/daemon/model/modeltest"
	"chat/internal/clients"
)

func TestNPMAnthropic(t *testing.T) {
	t.Parallel()
	server := modeltest.NewAnthropic(t, modeltest.Script{Reason: "tool_use", Blocks: []modeltest.Block{
		modeltest.Thought("Let me see.", "sig=="),
		{Type: "redacted_thinking", Data: "b3BhcXVl"},
		{Type: "text", Text: "Grüße, I look 😀"},
		{Type: "tool_use", ID: "toolu_01", Name: "look", Input: json.RawMessage(`{"at":"☃"}`)},
		{Type: "tool_use", ID: "toolu_02", Name: "rest"},
	}})
	clients.Start(t, "ANTHROPIC_API_KEY="+modeltest.Key, "ANTHROPIC_BASE_URL="+server.URL).
		Script(t, "anthropic.mjs", "ANTHROPIC_URL="+server.URL, "ANTHROPIC_TEST_KEY="+modeltest.Key)
}
