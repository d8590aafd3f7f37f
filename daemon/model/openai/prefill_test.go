package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai"
	"chat/daemon/model/transport"
)

// prefilled is a network in which every server answers with one text, and keeps the bodies of
// the requests. It refuses those that end with the assistant's message if refuse is set.
type prefilled struct {
	answer string
	refuse string
	bodies []string
}

func (p *prefilled) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	p.bodies = append(p.bodies, string(raw))
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: req}
	said, err := json.Marshal(p.answer)
	if err != nil {
		return nil, err
	}
	body := `data: {"choices":[{"index":0,"delta":{"content":` + string(said) + "},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
	if p.refuse != "" && strings.Contains(string(raw), `:true}]`) {
		resp.StatusCode, body = http.StatusBadRequest, `{"error":{"message":"`+p.refuse+`"}}`
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body = io.NopCloser(strings.NewReader(body))
	return resp, nil
}

// continued asks a server to continue a text, twice, and returns the two texts.
func (p *prefilled) continued(t *testing.T, base string) string {
	t.Helper()
	client := openai.New(openai.Options{Network: transport.NewClient(transport.Options{})})
	provider, err := client.Provider(openai.Settings{BaseURL: base, Key: "k", Transport: p})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for range 2 {
		var parts chat.Parts
		req := model.Request{Model: "m", Messages: []chat.Message{{Role: chat.RoleUser, Content: "hello"}}, Partial: "one two three "}
		for e, err := range provider.Stream(t.Context(), req) {
			if err != nil {
				t.Fatal(err)
			}
			parts.Apply(e.Chunk)
		}
		texts = append(texts, parts.Text())
	}
	return strings.Join(texts, "|")
}

// Servers that document a field for it go on with the text themselves.
func TestAnAnswerIsPrefilled(t *testing.T) {
	for base, want := range map[string]struct{ field, answer, text string }{
		"https://api.mistral.ai/v1":                              {"prefix", "one two three four", "four"},
		"https://api.deepseek.com/beta":                          {"prefix", " one two three", "one two three"},
		"https://api.deepseek.com/v1":                            {"", "one two three four", "four"},
		"https://api.moonshot.ai/v1":                             {"partial", "four", "four"},
		"https://dashscope-intl.aliyuncs.com/compatible-mode/v1": {"partial", "four", "four"},
		"https://api.openai.com/v1":                              {"", "two three four", "four"},
		"https://llm.example.com/v1":                             {"", "four", "four"},
	} {
		t.Run(base, func(t *testing.T) {
			p := &prefilled{answer: want.answer}
			if got := p.continued(t, base); got != want.text+"|"+want.text {
				t.Errorf("got %q", got)
			}
			marked := `{"role":"assistant","content":"one two three","` + want.field + `":true}]`
			if want.field == "" {
				marked = `{"role":"assistant","content":"one two three"},{"role":"user","content":"Your last message was cut off`
			}
			if len(p.bodies) != 2 || !strings.Contains(p.bodies[0], marked) {
				t.Errorf("%d requests: %s", len(p.bodies), p.bodies)
			}
		})
	}
}

// A model that refuses the field is asked in words, and remembered.
func TestARefusedPrefillIsAskedFor(t *testing.T) {
	p := &prefilled{answer: "two three four", refuse: "Prefix is not supported in thinking mode"}
	if got := p.continued(t, "https://api.mistral.ai/v1"); got != "four|four" || len(p.bodies) != 3 {
		t.Errorf("%q after %d requests: %s", got, len(p.bodies), p.bodies)
	}
}
