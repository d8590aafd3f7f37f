// Package demo is the built-in demo model: an http.RoundTripper that answers like a server
// with OpenAI's streaming chat completions, so that the demo is reached through the same
// code as a real provider. It says that it is a demo, and it is deterministic: the same
// request gets the same answer.
package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Model is the id of the demo.
const Model = "demo"

// DefaultTokensPerSecond is the pace of a quick model.
const DefaultTokensPerSecond = 60

// Options set the demo's pace.
type Options struct {
	// TokensPerSecond is DefaultTokensPerSecond if 0 and unlimited if negative.
	TokensPerSecond float64
}

// maxBody bounds a request, in bytes.
const maxBody = 64 << 20

// New returns the demo's handler for POST …/chat/completions and GET …/models.
func New(opts Options) http.Handler {
	if opts.TokensPerSecond == 0 {
		opts.TokensPerSecond = DefaultTokensPerSecond
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","owned_by":"chat"}]}`, Model) // the reader left
	})
	mux.HandleFunc("POST /v1/chat/completions", opts.complete)
	return mux
}

type message struct {
	Role    string
	Content string
	Images  int
}

// UnmarshalJSON reads a content that is a text or a list of parts.
func (m *message) UnmarshalJSON(b []byte) error {
	var in struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	m.Role = in.Role
	if len(in.Content) == 0 || json.Unmarshal(in.Content, &m.Content) == nil {
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(in.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		if p.Type == "image_url" {
			m.Images++
		}
		m.Content += p.Text
	}
	return nil
}

func (o Options) complete(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Messages []message `json:"messages"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, `{"error":{"message":"the request is not a chat completion","type":"invalid_request_error"}}`) // the reader left
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s := stream{w: w, opts: o, start: time.Now()}
	out := reply(req.Messages)
	out.content = strings.TrimRight(out.content, "\n") // the terminal ends the line
	for _, token := range tokens(out.reasoning) {
		s.send(r, delta{Reasoning: token})
	}
	for _, token := range tokens(out.content) {
		s.send(r, delta{Content: token})
	}
	prompt := 0
	for _, m := range req.Messages {
		prompt += len(tokens(m.Content))
	}
	s.finish(prompt)
}

type delta struct {
	Content   string `json:"content,omitempty"`
	Reasoning string `json:"reasoning_content,omitempty"`
}

type chunk struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index  int     `json:"index"`
	Delta  delta   `json:"delta"`
	Reason *string `json:"finish_reason"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

// stream writes one answer at its pace. After an error it writes nothing more.
type stream struct {
	w     http.ResponseWriter
	opts  Options
	start time.Time
	sent  int
	err   error
}

// send writes one token when it is due. That is computed from the start, so that the pace
// does not drift.
func (s *stream) send(r *http.Request, d delta) {
	if s.err == nil && s.opts.TokensPerSecond > 0 {
		due := s.start.Add(time.Duration(float64(s.sent) / s.opts.TokensPerSecond * float64(time.Second)))
		timer := time.NewTimer(time.Until(due))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			s.err = r.Context().Err()
		}
	}
	s.sent++
	s.write(chunk{Choices: []choice{{Delta: d}}})
}

func (s *stream) finish(prompt int) {
	stop := "stop"
	s.write(chunk{Choices: []choice{{Reason: &stop}}})
	s.write(chunk{Choices: []choice{}, Usage: &usage{Prompt: prompt, Completion: s.sent, Total: prompt + s.sent}})
	s.event("[DONE]")
}

func (s *stream) write(c chunk) {
	c.ID, c.Object, c.Model = "demo", "chat.completion.chunk", Model
	data, err := json.Marshal(c)
	if err != nil {
		s.err = err
		return
	}
	s.event(string(data))
}

func (s *stream) event(data string) {
	if s.err != nil {
		return
	}
	if _, s.err = fmt.Fprintf(s.w, "data: %s\n\n", data); s.err == nil {
		s.err = http.NewResponseController(s.w).Flush()
	}
}
