package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Asked is a request for an answer, as a Picky provider got it.
type Asked struct {
	Model         string
	Stream        bool
	StreamOptions bool
	Messages      []Said
	Format        string                     // as in Call
	Fields        []string                   // all there are in the body, sorted
	Raw           map[string]json.RawMessage // the body by field
	Status        int                        // of the response
}

// Said is a message of a request.
type Said struct {
	Role   string
	Text   string
	Images int
	Parts  bool // the content is an array
}

// Last is the newest message.
func (a Asked) Last() Said { return a.Messages[len(a.Messages)-1] }

// Images is how many images all messages have.
func (a Asked) Images() int {
	n := 0
	for _, m := range a.Messages {
		n += m.Images
	}
	return n
}

// Roles are those of all messages, as in "system user assistant user".
func (a Asked) Roles() string {
	var roles []string
	for _, m := range a.Messages {
		roles = append(roles, m.Role)
	}
	return strings.Join(roles, " ")
}

// Disorder says what a strict provider has against the messages: they must go user,
// assistant, user after an optional system message, and none may be empty.
func (a Asked) Disorder() string {
	messages := a.Messages
	if len(messages) > 0 && messages[0].Role == "system" {
		messages = messages[1:]
	}
	for i, m := range messages {
		if want := []string{"user", "assistant"}[i%2]; m.Role != want {
			return "After the optional system message, conversation roles must alternate user/assistant/user/assistant/..."
		}
		if strings.TrimSpace(m.Text) == "" && m.Images == 0 {
			return fmt.Sprintf("messages.%d: text content blocks must contain non-whitespace text", i)
		}
	}
	if len(messages)%2 == 0 {
		return "the last message must be of the user"
	}
	return ""
}

// Picky is a provider that refuses requests.
type Picky struct {
	URL string // for clients, with /v1

	judge func(Asked) (status int, body string)
	mu    sync.Mutex
	asked []Asked
}

// NewPicky starts a provider on loopback that ends with the test. judge decides about
// each request: status 0 accepts it; the answer is then "answer N", N counting all
// requests, as a stream or whole, as it was asked for.
func NewPicky(t testing.TB, judge func(Asked) (status int, body string)) *Picky {
	t.Helper()
	p := &Picky{judge: judge}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"object": "list", "data": []any{map[string]string{"id": "picky"}}})
	})
	mux.HandleFunc("POST /v1/chat/completions", p.complete)
	server := httptest.NewServer(mux)
	p.URL = server.URL + "/v1"
	t.Cleanup(server.Close)
	return p
}

// Requests are all there were so far.
func (p *Picky) Requests() []Asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

func (p *Picky) complete(w http.ResponseWriter, r *http.Request) {
	a, err := readAsked(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	status, body := p.judge(a)
	a.Status = status
	p.mu.Lock()
	p.asked = append(p.asked, a)
	text := fmt.Sprintf("answer %d", len(p.asked))
	p.mu.Unlock()
	switch {
	case status == http.StatusOK: // an error within the stream
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: %s\n\n", body) // the client left
	case status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client left
	case a.Stream:
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q}}]}\n\n"+
			"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", text) // the client left
	default:
		reply(w, map[string]any{"object": "chat.completion", "model": a.Model, "choices": []any{
			map[string]any{"index": 0, "message": map[string]string{"role": "assistant", "content": text}, "finish_reason": "stop"},
		}})
	}
}

func readAsked(body io.Reader) (Asked, error) {
	raw, err := io.ReadAll(body)
	if err != nil {
		return Asked{}, err
	}
	var in struct {
		Model         string            `json:"model"`
		Stream        bool              `json:"stream"`
		StreamOptions json.RawMessage   `json:"stream_options"`
		Messages      []json.RawMessage `json:"messages"`
		Format        *responseFormat   `json:"response_format"`
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return Asked{}, err
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return Asked{}, err
	}
	a := Asked{Model: in.Model, Stream: in.Stream, StreamOptions: in.StreamOptions != nil, Raw: fields, Format: in.Format.String()}
	for name := range fields {
		a.Fields = append(a.Fields, name)
	}
	slices.Sort(a.Fields)
	for _, one := range in.Messages {
		var m message
		var content struct{ Content json.RawMessage }
		if err := json.Unmarshal(one, &m); err != nil {
			return Asked{}, err
		}
		if err := json.Unmarshal(one, &content); err != nil {
			return Asked{}, err
		}
		a.Messages = append(a.Messages, Said{m.Role, m.text, len(m.images), strings.HasPrefix(string(content.Content), "[")})
	}
	return a, nil
}
