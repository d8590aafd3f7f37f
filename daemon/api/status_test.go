package api_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog/chunklogtest"
)

// awayStore is a database that does not answer while away is set.
type awayStore struct {
	api.Store
	away atomic.Bool
}

var errAway = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database cannot be reached: %w", errors.New("secret address")))

func (s *awayStore) Ping(ctx context.Context) error {
	if s.away.Load() {
		return errAway
	}
	return s.Store.Ping(ctx)
}

func (s *awayStore) QueueDepths(ctx context.Context) (map[chat.Priority]int, int, error) {
	if s.away.Load() {
		return nil, 0, errAway
	}
	return s.Store.QueueDepths(ctx)
}

func (s *awayStore) Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error) {
	if s.away.Load() {
		return chat.Accepted{}, false, errAway
	}
	return s.Store.Submit(ctx, owner, sub, o)
}

func (s *awayStore) Task(ctx context.Context, owner, id string) (chat.Task, error) {
	if s.away.Load() {
		return chat.Task{}, errAway
	}
	return s.Store.Task(ctx, owner, id)
}

func newAwayHarness(t *testing.T, o api.Options) (*harness, *awayStore) {
	t.Helper()
	store := &awayStore{}
	h := newHarnessWithStore(t, o, func(s api.Store) api.Store { store.Store = s; return store })
	return h, store
}

func TestReadinessFollowsSQLAndLivenessNothing(t *testing.T) {
	t.Parallel()
	h, store := newAwayHarness(t, api.Options{})
	conv := h.conversation()
	store.away.Store(true)
	for call, want := range map[string]int{
		"GET /healthz": 200, "GET /hello": 200, "GET /readyz": 503, "GET /stats": 200, "GET /metrics": 200,
		"POST /conversations/" + conv.ID + "/messages": 503, "GET /stream/" + unknownID: 503,
	} {
		method, path, _ := strings.Cut(call, " ")
		body := ""
		if strings.HasSuffix(path, "/messages") {
			body = `{"content":"x"}`
		}
		a := h.call(method, path, body)
		if a.status != want || want == 503 && (a.problem(t) != chat.CodeUnavailable || a.header.Get("Retry-After") == "" || !strings.Contains(string(a.body), `"retryable":true`)) {
			t.Errorf("%s: %d %v %s", call, a.status, a.header, a.body)
		}
	}
	if a := h.call("GET", "/metrics", ""); !strings.Contains(string(a.body), `chat_up{dependency="sql"} 0`) || strings.Contains(string(a.body), "chat_tasks_queued{") {
		t.Errorf("%s", a.body)
	}
	store.away.Store(false)
	if a := h.call("GET", "/readyz", ""); a.status != 200 {
		t.Errorf("afterwards: %d %s", a.status, a.body)
	}
	h.server.Drain()
	if a := h.call("GET", "/readyz", ""); a.status != 503 || a.problem(t) != chat.CodeDraining {
		t.Errorf("draining: %d %s", a.status, a.body)
	}
	if a := h.call("GET", "/hello", ""); a.status != 200 || !strings.Contains(string(a.body), `"state":"draining"`) {
		t.Errorf("draining: %d %s", a.status, a.body)
	}
}

func TestAStreamOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	h, store := newAwayHarness(t, api.Options{Recheck: 20 * time.Millisecond, Heartbeat: 30 * time.Millisecond})
	acc := h.submitted()
	a := h.claim(acc)
	a.write("a ", "b ")
	f := h.open(acc.TaskID, "")
	f.next(2)
	store.away.Store(true)
	a.write("c ")
	f.next(1)
	read := make(chan []chat.Chunk, 1)
	go func() { read <- f.whole() }()
	for range 4 { // the opening, heartbeats, and failed looks between them
		<-f.notes
	}
	store.away.Store(false)
	a.write("d")
	a.end()
	if chunks := <-read; chunklogtest.Content(chunks) != "d" {
		t.Errorf("%s", formatChunks(chunks))
	}
}

func TestMetricsParse(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	acc := h.submitted()
	h.claim(acc).write("x")
	f := h.open(acc.TaskID, "")
	f.next(1)
	a := h.call("GET", "/metrics", "")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", a.status, a.header)
	}
	sample := regexp.MustCompile(`^([a-z_]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (\S+)$`)
	values, typed := map[string]float64{}, map[string]bool{}
	for line := range strings.Lines(string(a.body)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, _, _ := strings.Cut(rest, " ")
			typed[name] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil || !typed[m[1]] {
			t.Errorf("not a sample: %q", line)
			continue
		}
		v, err := strconv.ParseFloat(m[3], 64)
		h.check(err)
		values[m[1]+m[2]] = v
	}
	for name, want := range map[string]float64{
		`chat_tasks_running`: 1, `chat_tasks_queued{priority="normal"}`: 0, `chat_streams_open`: 1, `chat_up{dependency="redis"}`: 1, `chat_up{dependency="sql"}`: 1,
	} {
		if got, ok := values[name]; !ok || got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestOnlyALocalDaemonIsShutDown(t *testing.T) {
	t.Parallel()
	asked := make(chan bool, 10)
	h := newHarness(t, api.Options{Shutdown: func(now bool) { asked <- now }})
	if a := h.remote("POST", "/shutdown", "{}", bearer(token)); a.status != 404 || len(asked) != 0 {
		t.Errorf("over TCP: %d %s", a.status, a.body)
	}
	for body, now := range map[string]bool{"": false, "{}": false, `{"now":true}`: true} {
		if a := h.call("POST", "/shutdown", body); a.status != 202 || <-asked != now {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
}

func TestAnIdleExitNeverRacesARequest(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{})
	act := h.server.Activity()
	acc := h.submitted()
	h.claim(acc).write("x")
	f := h.open(acc.TaskID, "")
	f.next(1)
	if act.CloseIfIdle(0, func() bool { return true }) {
		t.Fatal("the door was closed on a follower")
	}
	f.close()
	h.eventually("the follower is gone", func() bool { return h.log.Tails() == 0 })
	if act.CloseIfIdle(time.Hour, func() bool { return true }) || act.CloseIfIdle(0, func() bool { return false }) {
		t.Fatal("the door was closed too early")
	}

	accepted, refused := atomic.Int32{}, atomic.Int32{}
	var requests sync.WaitGroup
	start := make(chan struct{})
	for range 40 {
		conv := h.conversation()
		requests.Go(func() {
			<-start
			switch a := h.call("POST", "/conversations/"+conv.ID+"/messages", `{"content":"x"}`); {
			case a.status == http.StatusAccepted:
				accepted.Add(1)
			case a.status == http.StatusServiceUnavailable && a.problem(t) == chat.CodeDraining:
				refused.Add(1)
			default:
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	close(start)
	h.eventually("the door closes", func() bool {
		return act.CloseIfIdle(0, func() bool { return accepted.Load() > 0 })
	})
	requests.Wait()
	queued, _, err := h.store.QueueDepths(t.Context())
	if h.must(err); queued[chat.PriorityNormal] != int(accepted.Load()) || accepted.Load()+refused.Load() != 40 {
		t.Errorf("%d accepted, %d refused, %v queued", accepted.Load(), refused.Load(), queued)
	}
	if a := h.call("GET", "/hello", ""); a.status != 200 || !strings.Contains(string(a.body), "draining") {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestNoRequestBeginsDuringCloseIfIdle(t *testing.T) {
	t.Parallel()
	act := api.NewActivity()
	deciding, decide := make(chan struct{}), make(chan struct{})
	closed := make(chan bool, 1)
	go func() {
		closed <- act.CloseIfIdle(0, func() bool { close(deciding); <-decide; return true })
	}()
	<-deciding
	admitted := make(chan bool, 1)
	go func() {
		_, ok := act.Begin()
		admitted <- ok
	}()
	close(decide)
	if !<-closed || <-admitted || !act.Closed() {
		t.Error("a request was admitted to a closed daemon")
	}
}

// silentLog is a Redis that does not answer.
type silentLog struct{ api.Log }

func (silentLog) State(ctx context.Context) string {
	<-ctx.Done()
	return "down"
}

// silentStore is a database that answers no query of stats.
type silentStore struct{ api.Store }

func (silentStore) QueueDepths(ctx context.Context) (map[chat.Priority]int, int, error) {
	<-ctx.Done()
	return nil, 0, errAway
}

func TestDependenciesAreReportedSeparately(t *testing.T) {
	t.Parallel()
	sound := func(l api.Log) api.Log { return l }
	soundStore := func(s api.Store) api.Store { return s }
	for name, c := range map[string]struct {
		store      func(api.Store) api.Store
		log        func(api.Log) api.Log
		redis, sql string
		queued     int
	}{
		"Redis is silent": {soundStore, func(l api.Log) api.Log { return silentLog{l} }, "down", "ok", 1},
		"SQL is silent":   {func(s api.Store) api.Store { return silentStore{s} }, sound, "ok", "down", 0},
		"both are silent": {func(s api.Store) api.Store { return silentStore{s} }, func(l api.Log) api.Log { return silentLog{l} }, "down", "down", 0},
		"all is well":     {soundStore, sound, "ok", "ok", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarnessWithLog(t, api.Options{}, c.store, c.log)
			h.submitted()
			began := time.Now()
			a := h.call("GET", "/stats", "")
			var st struct {
				Queued     map[string]int
				Redis, SQL string
			}
			a.into(t, &st)
			if a.status != 200 || st.Redis != c.redis || st.SQL != c.sql || st.Queued["normal"] != c.queued || time.Since(began) > 4*time.Second {
				t.Errorf("%d %s after %s", a.status, a.body, time.Since(began))
			}
			body := string(h.call("GET", "/metrics", "").body)
			for dependency, state := range map[string]string{"redis": c.redis, "sql": c.sql} {
				up := map[string]string{"ok": "1", "down": "0"}[state]
				if !strings.Contains(body, `chat_up{dependency="`+dependency+`"} `+up) {
					t.Errorf("%s is %s:\n%s", dependency, state, body)
				}
			}
		})
	}
}

func TestTheResponseToAShutdown(t *testing.T) {
	t.Parallel()
	h := newHarness(t, api.Options{Shutdown: func(bool) {}})
	if a := h.call("POST", "/shutdown", ""); a.status != 202 || strings.TrimSpace(string(a.body)) != `{"status":"shutting_down"}` {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.call("GET", "/hello", ""); !strings.Contains(string(a.body), `"state":"ready"`) {
		t.Errorf("it ends when it is idle: %s", a.body)
	}
}
