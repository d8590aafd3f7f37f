package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Anthropic is a server with the Messages API that is as strict as Anthropic's own. Its answers
// are scripted. Its fields are set before the first call.
type Anthropic struct {
	URL string // without /v1

	// Script returns the events of answer n, from 1.
	Script func(n int) Script
	// Judge refuses a request that is right but for the model: it returns a status and the
	// message of the error, or 0. nil refuses none.
	Judge func(AskedMessages) (status int, message string)
	// Models are the entries of the list of models, as JSON, PageSize of them in each response.
	Models   []string
	PageSize int

	mu    sync.Mutex
	asked []AskedMessages
	lists int
}

// AskedMessages is a request for an answer.
type AskedMessages struct {
	Model       string          `json:"model"`
	MaxTokens   int             `json:"max_tokens"`
	Stream      bool            `json:"stream"`
	System      []Block         `json:"system"`
	Messages    []AskedTurn     `json:"messages"`
	Temperature *float64        `json:"temperature"`
	TopP        *float64        `json:"top_p"`
	Stop        []string        `json:"stop_sequences"`
	Thinking    *AskedThinking  `json:"thinking"`
	Output      json.RawMessage `json:"output_config"`
	Tools       []AskedTool     `json:"tools"`
	ToolChoice  json.RawMessage `json:"tool_choice"`

	Header http.Header `json:"-"`
	Body   string      `json:"-"`
	Status int         `json:"-"` // of the response
}

// AskedTurn is one message of a request.
type AskedTurn struct {
	Role    string  `json:"role"`
	Content []Block `json:"content"`
}

// UnmarshalJSON reads content that is a list of blocks, or a text.
func (t *AskedTurn) UnmarshalJSON(raw []byte) error {
	var in struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	t.Role = in.Role
	var text string
	if json.Unmarshal(in.Content, &text) == nil {
		t.Content = []Block{{Type: "text", Text: text}}
		return nil
	}
	return json.Unmarshal(in.Content, &t.Content)
}

// AskedThinking is the field thinking.
type AskedThinking struct {
	Type    string `json:"type"`
	Budget  int    `json:"budget_tokens"`
	Display string `json:"display"`
}

// AskedTool is a tool of a request.
type AskedTool struct {
	Name   string `json:"name"`
	Schema struct {
		Type string `json:"type"`
	} `json:"input_schema"`
	Strict bool            `json:"strict"`
	Cache  json.RawMessage `json:"cache_control"`
}

// Block is a block of content, of a request or of an answer.
type Block struct {
	Type      string          `json:"type"`
	Text      string          `json:"text,omitempty"`
	Title     string          `json:"title,omitempty"`
	Source    *Source         `json:"source,omitempty"`
	Thinking  *string         `json:"thinking,omitempty"`
	Signature string          `json:"signature,omitempty"`
	Data      string          `json:"data,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Input     json.RawMessage `json:"input,omitempty"`
	ToolUseID string          `json:"tool_use_id,omitempty"`
	Content   json.RawMessage `json:"content,omitempty"`
	IsError   bool            `json:"is_error,omitempty"`
	Cache     json.RawMessage `json:"cache_control,omitempty"`
}

// Source is the data of an image or a document.
type Source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
	FileID    string `json:"file_id"`
}

// NewAnthropic starts a server on loopback that ends with the test. All answers have the script.
func NewAnthropic(t testing.TB, script Script) *Anthropic {
	t.Helper()
	s := &Anthropic{Script: func(int) Script { return script }, PageSize: 1000, Models: []string{`{"type":"model","id":"claude-test","display_name":"Test","created_at":"2026-01-01T00:00:00Z"}`}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/messages", s.create)
	mux.HandleFunc("GET /v1/models", s.list)
	h := httptest.NewServer(mux)
	s.URL = h.URL
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	return s
}

// Requests are all there were so far.
func (s *Anthropic) Requests() []AskedMessages {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]AskedMessages(nil), s.asked...)
}

// Lists is how often the list of models was asked for.
func (s *Anthropic) Lists() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists
}

// newestVersion is the version of the API without temperature and top_p.
const newestVersion = "2026-10-21"

// allowed checks what every request needs, and reports whether it is there.
func (*Anthropic) allowed(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.Header.Get("X-Api-Key") != Key && r.Header.Get("Authorization") != "Bearer "+Key: // the official clients send either
		refuse(w, http.StatusUnauthorized, "authentication_error", "invalid x-api-key")
	case r.Header.Get("Anthropic-Version") != "2023-06-01" && r.Header.Get("Anthropic-Version") != newestVersion:
		refuse(w, http.StatusBadRequest, "invalid_request_error", "anthropic-version: header is required")
	default:
		return true
	}
	return false
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"type":"error","error":{"type":%q,"message":%q},"request_id":"req_011"}`, kind, message) // the client left
}

func (s *Anthropic) list(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	s.mu.Lock()
	s.lists++
	s.mu.Unlock()
	from := 0
	if after := r.URL.Query().Get("after_id"); after != "" {
		for i, m := range s.Models {
			if strings.Contains(m, `"id":"`+after+`"`) {
				from = i + 1
			}
		}
	}
	to := min(from+s.PageSize, len(s.Models))
	last := struct {
		ID string `json:"id"`
	}{}
	if to > 0 {
		_ = json.Unmarshal([]byte(s.Models[to-1]), &last) // of the test
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"data":[%s],"has_more":%v,"first_id":"","last_id":%q}`, strings.Join(s.Models[from:to], ","), to < len(s.Models), last.ID) // the client left
}

// kindOf is the type of an error with a status.
func kindOf(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusInternalServerError:
		return "api_error"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	case 529:
		return "overloaded_error"
	}
	return "invalid_request_error"
}

func (s *Anthropic) create(w http.ResponseWriter, r *http.Request) {
	if !s.allowed(w, r) {
		return
	}
	raw, err := io.ReadAll(r.Body)
	asked := AskedMessages{Header: r.Header.Clone(), Body: string(raw)}
	if err == nil {
		err = json.Unmarshal(raw, &asked)
	}
	status, message := 0, ""
	switch {
	case err != nil:
		status, message = http.StatusBadRequest, err.Error()
	case r.Header.Get("Anthropic-Version") == newestVersion && asked.Temperature != nil:
		status, message = http.StatusBadRequest, "temperature: Extra inputs are not permitted"
	case asked.fault() != "":
		status, message = http.StatusBadRequest, asked.fault()
	case s.Judge != nil:
		status, message = s.Judge(asked)
	}
	s.mu.Lock()
	asked.Status = status
	s.asked = append(s.asked, asked)
	n := 0
	for _, a := range s.asked {
		if a.Status == 0 {
			n++
		}
	}
	s.mu.Unlock()
	if status != 0 {
		refuse(w, status, kindOf(status), message)
		return
	}
	script := s.Script(n)
	for name, value := range script.Header {
		w.Header().Set(name, value)
	}
	switch {
	case script.Status != 0:
		refuse(w, script.Status, kindOf(script.Status), script.Message)
	case !asked.Stream || script.Whole:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, script.message(asked.Model)) // the client left
	default:
		script.send(w, r, asked.Model)
	}
}
