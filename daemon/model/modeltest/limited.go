package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Refusal is how a Limited refuses a conversation that is too long, in the words of a real
// server; it gets the tokens of the conversation and the limit.
type Refusal struct {
	Name   string
	Status int
	Body   func(used, limit int) string
}

// Refusals are those of servers that refuse. Ollama truncates in silence.
func Refusals() []Refusal {
	object := func(format string) func(used, limit int) string {
		return func(used, limit int) string {
			return strings.NewReplacer("{used}", fmt.Sprint(used), "{limit}", fmt.Sprint(limit)).Replace(format)
		}
	}
	return []Refusal{
		{"OpenAI", 400, object(`{"error":{"message":"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`)},
		{"Anthropic", 400, object(`{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: {used} tokens > {limit} maximum"}}`)},
		{"llama.cpp", 400, object(`{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":{used},"n_ctx":{limit}}}`)},
		{"vLLM", 400, object(`{"object":"error","message":"This model's maximum context length is {limit} tokens. However, you requested {used} tokens in the messages, Please reduce the length of the messages.","type":"BadRequestError","param":null,"code":400}`)},
		{"Gemini", 400, object(`[{"error":{"code":400,"message":"The input token count ({used}) exceeds the maximum number of tokens allowed ({limit}).","status":"INVALID_ARGUMENT"}}]`)},
		{"without numbers", 400, object(`{"error":{"message":"Input is too long for requested model.","type":"invalid_request_error","code":"context_length_exceeded"}}`)},
	}
}

// Limited is a provider whose model accepts few tokens, of four bytes each, and answers at
// once: each answer says how many there have been, and is padded to Length bytes. A request that
// ends with the request for a summary gets one that begins with "SUMMARY".
type Limited struct {
	*httptest.Server
	Length  int
	Refusal Refusal

	mu       sync.Mutex
	limit    int
	accepted int
	refused  int
	summed   int
	longest  int
	// fail is how many requests for summaries fail from now on; hold makes them wait.
	fail int
	hold chan struct{}
	// waiting is closed when a request for a summary waits.
	waiting chan struct{}
}

// NewLimited starts a Limited, which ends with the test.
func NewLimited(t testing.TB, limit int, r Refusal) *Limited {
	l := StartLimited(limit, r)
	t.Cleanup(l.Close)
	return l
}

// StartLimited starts a Limited, to be closed by the caller.
func StartLimited(limit int, r Refusal) *Limited {
	l := &Limited{limit: limit, Length: 400, Refusal: r}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", l.complete)
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"object":"list","data":[{"id":"limited","object":"model"}]}`)
	})
	l.Server = httptest.NewServer(mux)
	return l
}

// SetLimit changes how many tokens the model accepts.
func (l *Limited) SetLimit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limit = n
}

// FailSummaries lets the next n requests for summaries fail for good.
func (l *Limited) FailSummaries(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = n
}

// HoldSummaries lets requests for summaries wait until release is called. waiting is closed when
// the first one waits.
func (l *Limited) HoldSummaries() (waiting <-chan struct{}, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	hold := make(chan struct{})
	l.hold, l.waiting = hold, make(chan struct{})
	return l.waiting, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.hold == hold {
			close(hold)
			l.hold = nil
		}
	}
}

// Counts returns how many requests were answered, refused because of their length, and asked
// for a summary, and the tokens of the longest that was answered.
func (l *Limited) Counts() (answered, refused, summaries, longest int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted, l.refused, l.summed, l.longest
}

func (l *Limited) complete(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || len(req.Messages) == 0 {
		http.Error(w, `{"error":{"message":"no JSON"}}`, http.StatusBadRequest)
		return
	}
	used := 0
	for _, m := range req.Messages {
		used += (len(m.Content) + 3) / 4
	}
	summary := strings.Contains(string(req.Messages[len(req.Messages)-1].Content), "Summarize the conversation so far")
	l.mu.Lock()
	limit := l.limit
	if used > limit {
		l.refused++
	}
	l.mu.Unlock()
	if used > limit {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(l.Refusal.Status)
		_, _ = fmt.Fprint(w, l.Refusal.Body(used, limit))
		return
	}
	if summary && !l.admit(w, r) {
		return
	}
	l.answer(w, used, summary)
}

// admit waits while summaries are held, and lets one fail if it should.
func (l *Limited) admit(w http.ResponseWriter, r *http.Request) bool {
	l.mu.Lock()
	hold, waiting := l.hold, l.waiting
	l.waiting = nil
	failing := l.fail > 0
	if failing {
		l.fail--
	}
	l.mu.Unlock()
	if hold != nil {
		if waiting != nil {
			close(waiting)
		}
		select {
		case <-hold:
		case <-r.Context().Done():
			return false
		}
	}
	if failing {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprint(w, `{"error":{"message":"no summaries today","type":"invalid_request_error"}}`)
	}
	return !failing
}

func (l *Limited) answer(w http.ResponseWriter, used int, summary bool) {
	l.mu.Lock()
	l.accepted++
	l.longest = max(l.longest, used)
	text := fmt.Sprintf("answer %d", l.accepted)
	if summary {
		l.summed++
		text = fmt.Sprintf("SUMMARY %d", l.summed)
	}
	l.mu.Unlock()
	if pad := l.Length - len(text); pad > 0 {
		text += strings.Repeat(" padding", pad/8)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	content, _ := json.Marshal(text) //nolint:errchkjson // a string
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s}}]}\n\n", content)
	_, _ = fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
	_, _ = fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
		used, len(text)/4, used+len(text)/4)
}
