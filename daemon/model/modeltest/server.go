package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Models are the ids that GET /v1/models lists.
func Models() []string { return []string{"lying", "lying-too"} }

// maxSteps is how many steps can be given ahead.
const maxSteps = 1 << 16

// Server answers as it is told. It is an http.Handler.
type Server struct {
	// URL is the base URL for clients, with /v1, if New made the server.
	URL string

	mux    *http.ServeMux
	steps  chan struct{}
	closed chan struct{}

	mu      sync.Mutex // guards what follows
	last    int
	calls   []*Call
	content map[int]*strings.Builder
	thought map[int]*strings.Builder
	fails   map[string]int // calls by directive, for fail=N
	changed chan struct{}
}

// NewServer returns a server to be mounted at the root of a listener:
// POST /v1/chat/completions, POST /v1/messages, GET /v1/models, and GET /calls for the record as JSON.
func NewServer() *Server {
	s := &Server{
		mux: http.NewServeMux(), steps: make(chan struct{}, maxSteps), closed: make(chan struct{}),
		content: map[int]*strings.Builder{}, thought: map[int]*strings.Builder{},
		fails: map[string]int{}, changed: make(chan struct{}),
	}
	s.mux.HandleFunc("GET /v1/models", s.models)
	s.mux.HandleFunc("POST /v1/chat/completions", s.complete)
	s.mux.HandleFunc("POST /v1/messages", s.message)
	s.mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Calls()) })
	return s
}

// New starts a server on loopback that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := NewServer()
	h := httptest.NewServer(s)
	s.URL = h.URL + "/v1"
	t.Cleanup(func() {
		s.Close()
		h.CloseClientConnections()
		h.Close()
	})
	return s
}

// Close ends the calls that hang.
func (s *Server) Close() { close(s.closed) }

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID     string `json:"id"`
		Object string `json:"object"`
	}
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{Object: "list"}
	for _, id := range Models() {
		list.Data = append(list.Data, model{ID: id, Object: "model"})
	}
	reply(w, list)
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client left
}

// request is what the server reads of a chat completion request.
type request struct {
	Model         string    `json:"model"`
	Messages      []message `json:"messages"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
	ResponseFormat *responseFormat `json:"response_format"`
	Tools          []requestTool   `json:"tools"`
}

type requestTool struct {
	Function requestFunction `json:"function"`
}

type requestFunction struct {
	Name string `json:"name"`
}

// calls sets which function the answer calls.
func (r *request) calls(l *lie) {
	switch last := len(r.Messages) - 1; {
	case last >= 0 && r.Messages[last].Role == "tool":
		l.tool = ""
	case l.directive == "" && len(r.Tools) > 0:
		l.chunks, l.tool = 0, r.Tools[0].Function.Name
	}
	if l.tool != "" {
		l.finish = "tool_calls"
	}
}

// prompt is the text of the last message of a user, and its images.
func (r *request) prompt() (string, []string) {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if m := r.Messages[i]; m.Role == "user" {
			return m.text, m.images
		}
	}
	return "", nil
}

// directive returns the directive of the request: the model, that of the prompt, or the next
// one of an earlier message.
func (r *request) directive(prompt string) string {
	if strings.HasPrefix(r.Model, prefix) {
		return r.Model
	}
	for i := len(r.Messages) - 1; i >= 0 && !strings.HasPrefix(prompt, prefix); i-- {
		if l, err := parse(newest(r.Messages[i].text)); err == nil && r.Messages[i].Role == "user" && l.next != "" {
			return l.next
		}
	}
	return prompt
}

// system is the text of the system prompt.
func (r *request) system() string {
	if len(r.Messages) > 0 && r.Messages[0].Role == "system" {
		return r.Messages[0].text
	}
	return ""
}

// responseFormat is the form of the answer that a request asks for.
type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Strict bool `json:"strict"`
	} `json:"json_schema"`
}

// String is the type, or "strict" for a schema in strict mode.
func (f *responseFormat) String() string {
	switch {
	case f == nil:
		return ""
	case f.JSONSchema.Strict:
		return "strict"
	default:
		return f.Type
	}
}

// refusal is why a request with that format is refused, "" if it is not.
func (l *lie) refusal(format string) string {
	switch {
	case l.formats == "loose" && format == "strict":
		return "strict mode is not supported in response_format"
	case l.formats == "object" && (format == "strict" || format == "json_schema"):
		return "response_format json_schema is not supported"
	case l.formats == "none" && format != "":
		return "unknown parameter: response_format"
	}
	return ""
}

// newest is the last of the messages that a prompt was put together from, when several
// were not answered: it begins with the last directive.
func newest(prompt string) string {
	if at := strings.LastIndex(prompt, "\n\n"+prefix); at >= 0 {
		return prompt[at+2:]
	}
	return prompt
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	var req request
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&req); err != nil {
		http.Error(w, fmt.Sprintf(`{"error":{"message":%q}}`, err), http.StatusBadRequest)
		return
	}
	s.serve(w, r, &req, false)
}

// serve makes the answer to a request, by Anthropic's Messages API or by Chat Completions.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, req *request, messages bool) {
	prompt, images := req.prompt()
	prompt = newest(prompt)
	directive := req.directive(prompt)
	l, err := parse(directive)
	c := s.begin(Call{
		Model: req.Model, Directive: l.directive, Prompt: prompt, Images: images, Messages: len(req.Messages),
		System: req.system(), Format: req.ResponseFormat.String(),
		HasKey: r.Header.Get("Authorization")+r.Header.Get("X-Api-Key") != "", Remote: r.RemoteAddr, Header: r.Header.Clone(),
	})
	if err != nil {
		http.Error(w, fmt.Sprintf(`{"error":{"message":%q}}`, err), http.StatusBadRequest)
		s.ended(c, "status")
		return
	}
	l.model = req.Model
	req.calls(&l)
	l.limit(s)
	if l.strict && req.StreamOptions != nil {
		l.status, l.message = http.StatusBadRequest, "unknown field: stream_options"
	}
	if why := l.refusal(req.ResponseFormat.String()); why != "" {
		l.status, l.message = http.StatusBadRequest, why
	}
	a := &answer{s: s, c: c, l: l, w: w, r: r, messages: messages}
	s.ended(c, a.run())
	if a.tear != nil {
		a.tear()
	}
}

// limit applies fail=N: the first N calls with a directive lie.
func (l *lie) limit(s *Server) {
	if l.fail == 0 {
		return
	}
	s.mu.Lock()
	s.fails[l.directive]++
	n := s.fails[l.directive]
	s.mu.Unlock()
	if n > l.fail {
		l.truth()
	} else if !l.lies() {
		l.status = http.StatusServiceUnavailable
	}
}

// pause waits for d, and is false if the client left meanwhile.
func (s *Server) pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closed:
	case <-r.Context().Done():
	}
	return false
}

// silence waits until the client leaves.
func (s *Server) silence(r *http.Request) {
	select {
	case <-s.closed:
	case <-r.Context().Done():
	}
}
