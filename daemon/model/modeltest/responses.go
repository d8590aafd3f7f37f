package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
)

// Background is a server with the Responses API, whose answers are made without a
// connection. Its fields are set before the first call.
type Background struct {
	URL string // with /v1

	// Reply returns the script of answer n, from 1.
	Reply func(n int) Reply
	// Cut returns after how many events connection n, from 1, is cut; a negative number
	// does not cut it. nil cuts none.
	Cut func(n int) int
	// Peer says that the server is a chatd.
	Peer bool
	// NoStreams says that a response can be read whole only, after the connection that made
	// it.
	NoStreams bool

	mu          sync.Mutex
	connections int
	order       []string
	responses   map[string]*scripted
	keys        map[string]string // ids by idempotency key
	cancelled   []string
	asked       []map[string]any
	hellos      int
	held        int // the event that is not made yet, with all after it; 0 for none
	changed     chan struct{}
}

type scripted struct{ events []string }

// NewBackground starts a server on loopback that ends with the test. All answers have the
// reply.
func NewBackground(t testing.TB, reply Reply) *Background {
	t.Helper()
	s := &Background{
		Reply: func(int) Reply { return reply }, responses: map[string]*scripted{}, keys: map[string]string{}, changed: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", s.hello)
	mux.HandleFunc("POST /v1/responses", s.create)
	mux.HandleFunc("GET /v1/responses/{id}", s.retrieve)
	mux.HandleFunc("POST /v1/responses/{id}/cancel", s.cancel)
	h := httptest.NewServer(mux)
	s.URL = h.URL + "/v1"
	t.Cleanup(func() {
		h.CloseClientConnections()
		h.Close()
	})
	return s
}

// Started is the number of answers that were begun.
func (s *Background) Started() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.order)
}

// Connections is the number of connections that read events.
func (s *Background) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connections
}

// Cancelled are the ids of the responses that were cancelled.
func (s *Background) Cancelled() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.cancelled...)
}

// Asked are the bodies of the requests for new answers.
func (s *Background) Asked() []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string]any(nil), s.asked...)
}

// Hellos is how often the server was asked whether it is a chatd.
func (s *Background) Hellos() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hellos
}

// Hold makes answers wait before event n; 0 lets them go on.
func (s *Background) Hold(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = n
	close(s.changed)
	s.changed = make(chan struct{})
}

// Forget loses all responses, and which keys they had.
func (s *Background) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.responses)
	clear(s.keys)
}

func (s *Background) hello(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.hellos++
	s.mu.Unlock()
	if !s.Peer {
		http.NotFound(w, r)
		return
	}
	reply(w, map[string]any{"instance": "i", "version": "v", "protocol": map[string]int{"min": 2, "max": 2}, "state": "ready"})
}

func (s *Background) create(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	s.mu.Lock()
	s.asked = append(s.asked, body)
	id, known := s.keys[key]
	if !known || key == "" {
		id = fmt.Sprintf("resp_%d", len(s.order)+1)
		s.order = append(s.order, id)
		s.keys[key] = id
		s.responses[id] = &scripted{s.Reply(len(s.order)).events(id)}
	}
	s.mu.Unlock()
	s.stream(w, r, id, -1)
}

func (s *Background) find(w http.ResponseWriter, r *http.Request) *scripted {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.responses[r.PathValue("id")]
	if found == nil {
		http.Error(w, `{"error":{"message":"Response not found","type":"invalid_request_error"}}`, http.StatusNotFound)
	}
	return found
}

func (s *Background) retrieve(w http.ResponseWriter, r *http.Request) {
	found := s.find(w, r)
	if found == nil {
		return
	}
	q := r.URL.Query()
	if q.Get("stream") != "true" {
		s.whole(w, r.PathValue("id"), found)
		return
	}
	if s.NoStreams {
		http.Error(w, `{"error":{"message":"This response can no longer be streamed","type":"invalid_request_error"}}`, http.StatusBadRequest)
		return
	}
	after := -1
	if v := q.Get("starting_after"); v != "" {
		after, _ = strconv.Atoi(v) // a wrong one replays everything
	}
	s.stream(w, r, r.PathValue("id"), after)
}

// whole sends a response as it is now.
func (s *Background) whole(w http.ResponseWriter, id string, of *scripted) {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held > 0 && held < len(of.events) {
		reply(w, map[string]any{"id": id, "object": "response", "status": "in_progress", "output": []any{}})
		return
	}
	var last struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal([]byte(of.events[len(of.events)-1]), &last); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, last.Response)
}

func (s *Background) cancel(w http.ResponseWriter, r *http.Request) {
	if s.find(w, r) == nil {
		return
	}
	s.mu.Lock()
	s.cancelled = append(s.cancelled, r.PathValue("id"))
	s.mu.Unlock()
	reply(w, map[string]any{"id": r.PathValue("id"), "object": "response", "status": "cancelled"})
}

// stream sends the events after a sequence number.
func (s *Background) stream(w http.ResponseWriter, r *http.Request, id string, after int) {
	s.mu.Lock()
	s.connections++
	n, of := s.connections, s.responses[id]
	s.mu.Unlock()
	cut := -1
	if s.Cut != nil {
		cut = s.Cut(n)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i := after + 1; i < len(of.events); i++ {
		if cut == 0 {
			panic(http.ErrAbortHandler)
		}
		cut--
		if !s.ready(r, i) {
			return
		}
		_, _ = io.WriteString(w, "data: "+of.events[i]+"\n\n") // the client left
		_ = http.NewResponseController(w).Flush()              // as above
	}
	if cut == 0 {
		panic(http.ErrAbortHandler)
	}
}

// ready waits until event i is made, and is false if the client left.
func (s *Background) ready(r *http.Request, i int) bool {
	for {
		s.mu.Lock()
		held, changed := s.held, s.changed
		s.mu.Unlock()
		if held == 0 || i < held {
			return true
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return false
		}
	}
}
