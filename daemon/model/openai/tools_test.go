package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

// Tool calls come through whole, in whatever pieces and form a server sends them.
func TestToolCallsPassThrough(t *testing.T) {
	t.Parallel()
	weather := chat.Part{Type: chat.PartToolCall, CallID: "c1", Name: "get_weather", Text: `{"city":"Oslo"}`}
	clock := chat.Part{Type: chat.PartToolCall, CallID: "c2", Name: "get_time", Text: `{}`}
	piece := func(index int, id, name, arguments string) string {
		quoted, err := json.Marshal(arguments)
		if err != nil {
			t.Fatal(err)
		}
		fields := `"type":"function"`
		if index >= 0 {
			fields += `,"index":` + string(rune('0'+index))
		}
		if id != "" {
			fields += `,"id":"` + id + `"`
		}
		return delta(`"tool_calls":[{` + fields + `,"function":{"name":"` + name + `","arguments":` + string(quoted) + `}}]`)
	}
	unnumbered := weather
	unnumbered.CallID = "call_1"
	second := clock
	second.CallID = "call_2"
	for name, c := range map[string]struct {
		events []string
		want   chat.Parts
	}{
		"in one piece":          {[]string{piece(0, "c1", "get_weather", `{"city":"Oslo"}`)}, chat.Parts{weather}},
		"in pieces":             {[]string{piece(0, "c1", "get_weather", ""), piece(0, "", "", `{"ci`), piece(0, "", "", `ty":"Oslo"}`)}, chat.Parts{weather}},
		"two":                   {[]string{piece(0, "c1", "get_weather", `{"city":"Oslo"}`), piece(1, "c2", "get_time", `{}`)}, chat.Parts{weather, clock}},
		"two, mixed up":         {[]string{piece(0, "c1", "get_weather", ""), piece(1, "c2", "get_time", "{"), piece(0, "", "", `{"city":`), piece(1, "", "", "}"), piece(0, "", "", `"Oslo"}`)}, chat.Parts{weather, clock}},
		"two of one index":      {[]string{piece(0, "c1", "get_weather", `{"city":"Oslo"}`), piece(0, "c2", "get_time", `{}`)}, chat.Parts{weather, clock}},
		"two in one event":      {[]string{delta(`"tool_calls":[{"id":"c1","function":{"name":"get_weather","arguments":"{\"city\":\"Oslo\"}"}},{"id":"c2","function":{"name":"get_time","arguments":"{}"}}]`)}, chat.Parts{weather, clock}},
		"the name again":        {[]string{piece(0, "c1", "get_weather", `{"city":`), piece(0, "c1", "get_weather", `"Oslo"}`)}, chat.Parts{weather}},
		"arguments as JSON":     {[]string{delta(`"tool_calls":[{"index":0,"id":"c1","function":{"name":"get_weather","arguments":{"city":"Oslo"}}}]`)}, chat.Parts{weather}},
		"without an id":         {[]string{piece(0, "", "get_weather", `{"city":"Oslo"}`)}, chat.Parts{unnumbered}},
		"ids, no index":         {[]string{piece(-1, "c1", "get_weather", `{"city":`), piece(-1, "c2", "get_time", `{`), piece(-1, "c1", "", `"Oslo"}`), piece(-1, "c2", "", "}")}, chat.Parts{weather, clock}},
		"no id, no index":       {[]string{piece(-1, "", "get_weather", `{"city":`), piece(-1, "", "", `"Oslo"}`), piece(-1, "", "get_time", ""), piece(-1, "", "", "{}")}, chat.Parts{unnumbered, second}},
		"no arguments yet":      {[]string{piece(-1, "", "get_weather", ""), piece(-1, "", "", `{"city":"Oslo"}`), piece(-1, "", "get_time", "{}")}, chat.Parts{unnumbered, second}},
		"a name begins again":   {[]string{piece(0, "", "get_weather", `{"city":"Oslo"}`), piece(0, "", "get_time", `{}`)}, chat.Parts{unnumbered, second}},
		"the name in each":      {[]string{piece(0, "", "get_weather", `{"city":`), piece(0, "", "get_weather", `"Oslo"}`)}, chat.Parts{unnumbered}},
		"an id that moves":      {[]string{piece(0, "c1", "get_weather", `{"city":`), piece(1, "c1", "", `"Oslo"}`), piece(1, "", "get_time", "{}")}, chat.Parts{weather, second}},
		"an id for each piece":  {[]string{piece(0, "c1", "get_weather", `{"city":`), piece(0, "c7", "", `"Oslo"}`)}, chat.Parts{weather}},
		"a late id":             {[]string{piece(0, "", "get_weather", `{"city":`), piece(0, "c1", "", `"Oslo"}`)}, chat.Parts{unnumbered}},
		"one id for all":        {[]string{piece(0, "c1", "get_weather", `{"city":"Oslo"}`), piece(1, "c1", "get_time", `{}`)}, chat.Parts{weather, second}},
		"one id, one index":     {[]string{piece(0, "c1", "get_weather", `{"city":"Oslo"}`), piece(0, "c1", "get_time", `{`), piece(0, "", "", `}`)}, chat.Parts{weather, second}},
		"the older form":        {[]string{delta(`"function_call":{"name":"get_weather","arguments":"{\"city\":"}`), delta(`"function_call":{"arguments":"\"Oslo\"}"}`)}, chat.Parts{unnumbered}},
		"a part of the content": {[]string{delta(`"content":[{"type":"tool_use","id":"c1","name":"get_weather","input":{"city":"Oslo"}}]`)}, chat.Parts{weather}},
	} {
		for _, text := range []string{"", "Let me see. "} {
			body := events(c.events...)
			if text != "" {
				body = say(text) + body
			}
			g := replay(t, canned{body: body + events(`{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}`, "[DONE]")})
			if g.Err != nil || !g.Calls.Equal(c.want) || g.Content != text || g.Finish.Reason != "tool_calls" || len(g.Notices) != 0 {
				t.Errorf("%s, behind %q: %+v", name, text, g)
			}
		}
	}
}

// The definitions of tools reach the provider as its API wants them.
func TestToolDefinitionsPassThrough(t *testing.T) {
	t.Parallel()
	var got struct {
		Tools []struct {
			Type     string `json:"type"`
			Function struct {
				Name, Description string
				Parameters        json.RawMessage
			} `json:"function"`
		} `json:"tools"`
	}
	body := ""
	base := capture(t, &body)
	req := modeltest.Ask("hello")
	req.Model = "m"
	req.Parameters.Tools = []chat.Tool{{Name: "get_weather", Description: "The weather.", Parameters: json.RawMessage(`{"type":"object"}`)}}
	if g := modeltest.Collect(t.Context(), t, newRegistry(t, providers.Config{BaseURL: base}), req); g.Err != nil {
		t.Fatal(g.Err)
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Tools) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	f := got.Tools[0]
	if f.Type != "function" || f.Function.Name != "get_weather" || f.Function.Description != "The weather." || string(f.Function.Parameters) != `{"type":"object"}` {
		t.Errorf("%s", body)
	}
	req.Parameters.Tools = nil
	if g := modeltest.Collect(t.Context(), t, newRegistry(t, providers.Config{BaseURL: base}), req); g.Err != nil || strings.Contains(body, "tools") {
		t.Errorf("without tools: %s, %v", body, g.Err)
	}
}

// What a model wrote in a call may be what no provider accepts back: the conversation goes on.
func TestCallsGoBackInAFormThatIsAccepted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ name, arguments, wantName, wantArguments string }{
		"as it is":         {"look", `{"at":1}`, "look", `{"at":1}`},
		"no arguments":     {"look", "", "look", "{}"},
		"broken arguments": {"look", `{"at":`, "look", `{"arguments":"{\"at\":"}`},
		"a list":           {"look", `[1]`, "look", `{"arguments":"[1]"}`},
		"an odd name":      {"functions.look at", "{}", "functions_look_at", "{}"},
		"a long name":      {strings.Repeat("é", 100), "{}", strings.Repeat("_", chat.MaxToolName), "{}"},
	} {
		body := ""
		r := newRegistry(t, providers.Config{BaseURL: capture(t, &body), DefaultModel: "m"})
		var got struct {
			Messages []struct {
				Calls []struct {
					Function struct{ Name, Arguments string }
				} `json:"tool_calls"`
			}
		}
		messages := []chat.Message{
			{Role: chat.RoleUser, Parts: chat.TextParts("look")},
			{Role: chat.RoleAssistant, Parts: chat.Parts{{Type: chat.PartToolCall, CallID: "c", Name: tc.name, Text: tc.arguments}}},
			{Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartToolResult, CallID: "c", Text: "seen"}}},
		}
		for _, err := range r.Stream(t.Context(), model.Request{Messages: messages}) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || len(got.Messages) != 3 || len(got.Messages[1].Calls) != 1 {
			t.Fatalf("%s: %s, %v", name, body, err)
		}
		if f := got.Messages[1].Calls[0].Function; f.Name != tc.wantName || f.Arguments != tc.wantArguments {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// capture is the base URL of a server that keeps the body of the last request, and
// answers it.
func capture(t *testing.T, body *string) string {
	t.Helper()
	return httptestURL(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*body = string(raw)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, say("yes")+stop) // a client that is gone is found elsewhere
	}))
}
