package screen

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// model is a provider that knows a few answers. It stops at each ⏸ in one until the
// test releases it.
type model struct {
	url     string
	goOn    chan struct{}
	closed  chan struct{}
	answers map[string][]string // by the beginning of the question; each time the next one

	mu    sync.Mutex
	asked map[string]int
}

const modelName = "aurora-2"

// pause is where an answer waits.
const pause = "⏸"

// knowing is a home with a model that knows the given answers.
func knowing(t *testing.T, answers map[string][]string) (*home, *model) {
	t.Helper()
	m := &model{goOn: make(chan struct{}, 16), closed: make(chan struct{}), answers: answers, asked: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, modelName) // the client left
	})
	mux.HandleFunc("POST /v1/chat/completions", m.complete)
	s := httptest.NewServer(mux)
	t.Cleanup(func() {
		close(m.closed)
		s.CloseClientConnections()
		s.Close()
	})
	m.url = s.URL + "/v1"
	return newHome(t, "OPENAI_BASE_URL="+m.url, "OPENAI_API_KEY=sk-good", "CHAT_MODEL="+modelName), m
}

// answer returns the next answer to a question.
func (m *model) answer(question string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for begin, list := range m.answers {
		if strings.HasPrefix(question, begin) {
			n := m.asked[begin]
			m.asked[begin]++
			return list[min(n, len(list)-1)]
		}
	}
	return "I do not know."
}

var words = regexp.MustCompile(`\s*\S+\s*?`)

func (m *model) complete(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Messages []struct{ Role, Content string }
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&req); err != nil || len(req.Messages) == 0 {
		http.Error(w, `{"error":{"message":"no messages"}}`, http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	say := func(field, text string) bool {
		literal, err := json.Marshal(text)
		if err == nil {
			_, err = fmt.Fprintf(w, `data: {"object":"chat.completion.chunk","model":%q,"choices":[{"index":0,"delta":{%q:%s}}]}`+"\n\n", modelName, field, literal)
		}
		return err == nil && out.Flush() == nil
	}
	text := m.answer(req.Messages[len(req.Messages)-1].Content)
	field := "content"
	if thought, rest, ok := strings.Cut(text, "</think>"); ok {
		if !say("reasoning_content", thought) {
			return
		}
		text = rest
	}
	for _, word := range words.FindAllString(text, -1) {
		if strings.TrimSpace(word) == pause {
			select {
			case <-m.goOn:
				continue
			case <-m.closed:
			case <-r.Context().Done():
			}
			return
		}
		if !say(field, word) {
			return
		}
	}
	_, _ = fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\n"+
		`data: {"choices":[],"usage":{"prompt_tokens":412,"completion_tokens":268,"total_tokens":680}}`+"\n\ndata: [DONE]\n\n") // the client left
}
