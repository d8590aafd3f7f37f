package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog"
	lengths "chat/daemon/compaction"
	"chat/daemon/embedded"
	"chat/daemon/follow"
	"chat/daemon/keys"
	"chat/daemon/model/network"
	"chat/daemon/wakeup"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/sql"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const (
	token       = "chat_0123456789abcdef0123456789abcdef"
	testTimeout = 10 * time.Second
	unknownID   = "01999999-9999-7999-8999-999999999999"
)

var names keys.Names

// apiLog is the chunk log as the daemon hands it to the API.
type apiLog struct {
	*chunklog.Log
	rdb *redis.Client
}

func (l apiLog) Tail(taskID string, after chat.Position) follow.Tail {
	return l.Log.Tail(taskID, after)
}

func (apiLog) Decode(packed []byte) ([]chat.EncodedChunk, error) { return chunklog.Decode(packed) }

func (l apiLog) Stats(ctx context.Context, taskIDs []string) (map[string]api.LogStats, error) {
	stats, err := l.Log.Stats(ctx, taskIDs)
	out := make(map[string]api.LogStats, len(stats))
	for id, s := range stats {
		out[id] = api.LogStats(s)
	}
	return out, err
}

func (l apiLog) State(ctx context.Context) string {
	if l.rdb.Ping(ctx).Err() != nil {
		return "down"
	}
	return "ok"
}

// fakeProvider stands for the provider registry: it lists two models and remembers
// what it is given.
type fakeProvider struct {
	mu   sync.Mutex
	held map[string]string
	seen int

	abandoned []string // upstreams
}

func (s *fakeProvider) Models(_ context.Context, own api.Credentials) ([]chat.Model, *chat.Error, error) {
	switch own.Key {
	case "sk-bad":
		return nil, nil, chat.Errorf(chat.CodeProviderAuth, "the provider refused the key")
	case "sk-away":
		return []chat.Model{{ID: "phi", Provider: "ollama"}}, chat.Errorf(chat.CodeProviderConnect, "test cannot be reached"), nil
	}
	return []chat.Model{{ID: "lying", Provider: "test", Default: true}, {ID: "lying-too", Provider: "test"}}, nil, nil
}

func (s *fakeProvider) CheckCredentials(own api.Credentials) error {
	if own.Kind == "soap" {
		return chat.Errorf(chat.CodeInvalid, "unknown kind")
	}
	if own.BaseURL == "" {
		return nil
	}
	return network.CheckBaseURL(own.BaseURL)
}

func (s *fakeProvider) Configured(own api.Credentials) bool {
	return own.Key == "sk-server" && own.BaseURL == ""
}

func (s *fakeProvider) CheckModel(_ context.Context, model string, own api.Credentials) error {
	if strings.HasPrefix(model, "lynig") && own.Key != "sk-other" {
		return chat.Errorf(chat.CodeProviderModel, "test has no model %q: did you mean \"lying\"?", model)
	}
	return nil
}

func (*fakeProvider) WindowOf(context.Context, string) int { return 4000 }

func (s *fakeProvider) DefaultModel(api.Credentials) string { return "own-default" }

func (s *fakeProvider) PutCredentials(taskID string, own api.Credentials) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[taskID] = own.Key
	s.seen++
}

func (s *fakeProvider) Abandon(_ context.Context, t chat.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned = append(s.abandoned, t.Upstream)
}

func (s *fakeProvider) ForgetCredentials(taskID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, taskID)
}

func (s *fakeProvider) holds(taskID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[taskID]
}

// harness is a server on a unix socket and on TCP, with all parts but a
// worker, whose part the test plays.
type harness struct {
	*testing.T
	dir      string
	store    *sql.Store
	rdb      *redis.Client
	log      *chunklog.Log
	provider *fakeProvider
	server   *api.Server
	local    *http.Client // over the unix socket
	tcp      string       // base URL of the TCP listener
	socket   string
}

func newHarness(t *testing.T, o api.Options) *harness {
	t.Helper()
	return newHarnessWithStore(t, o, nil)
}

// newHarnessWithStore lets wrap stand between the server and its database.
func newHarnessWithStore(t *testing.T, o api.Options, wrap func(api.Store) api.Store) *harness {
	t.Helper()
	return newHarnessWithLog(t, o, wrap, nil)
}

// newHarnessWithLog lets wrappers stand before the database and the log, where they
// are not nil.
func newHarnessWithLog(t *testing.T, o api.Options, wrap func(api.Store) api.Store, wrapLog func(api.Log) api.Log) *harness {
	t.Helper()
	h := &harness{T: t, dir: t.TempDir(), provider: &fakeProvider{held: map[string]string{}}}
	engine, err := embedded.Start(embedded.Options{})
	h.must(err)
	t.Cleanup(func() { h.check(engine.Close()) })
	opts := engine.Options()
	opts.MaxRetries = -1
	h.rdb = redis.NewClient(opts)
	t.Cleanup(func() { h.check(h.rdb.Close()) })
	h.store, err = sql.Open(t.Context(), "sqlite://"+filepath.Join(h.dir, "chat.db"), sql.Options{})
	h.must(err)
	t.Cleanup(func() { h.check(h.store.Close()) })
	h.log = chunklog.New(h.rdb, chunklog.Options{Refresh: 50 * time.Millisecond})
	q := wakeup.New(h.rdb, names, 0)
	t.Cleanup(func() { h.check(q.Close()) })

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var loops sync.WaitGroup
	loops.Go(func() { h.log.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		loops.Wait()
	})
	if o.Protocol == [2]int{} {
		o.Protocol = [2]int{1, 1}
	}
	o.Instance, o.Version, o.PID, o.Worker = "i1", "test", 42, "w1"
	o.Authenticate = func(got string) (string, bool) { return chat.LocalOwner, got == token }
	o.Lengths = lengths.Service{Store: h.store, Models: h.provider}
	var store api.Store = h.store
	if wrap != nil {
		store = wrap(h.store)
	}
	var log api.Log = apiLog{h.log, h.rdb}
	if wrapLog != nil {
		log = wrapLog(log)
	}
	h.server = api.New(ctx, store, log, q, h.provider, o)
	h.listen()
	return h
}

// listen mounts the server on a unix socket, whose peers are local, and on TCP.
func (h *harness) listen() {
	h.Helper()
	mount := func(listener net.Listener) *httptest.Server {
		s := httptest.NewUnstartedServer(h.server.Handler())
		s.Config.ConnContext = api.ConnContext
		s.Config.MaxHeaderBytes = 64 << 10
		if listener != nil {
			h.check(s.Listener.Close())
			s.Listener = listener
		}
		s.Start()
		h.Cleanup(func() {
			h.server.Drain()
			s.CloseClientConnections()
			s.Close()
			h.check(h.server.Wait(context.Background()))
		})
		return s
	}
	h.socket = filepath.Join(h.dir, "s")
	unix, err := net.Listen("unix", h.socket)
	h.must(err)
	mount(unix)
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", h.socket)
	}}
	h.local = &http.Client{Transport: tr}
	h.Cleanup(tr.CloseIdleConnections)
	h.tcp = mount(nil).URL
}

func (h *harness) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *harness) check(err error) {
	h.Helper()
	if err != nil {
		h.Error(err)
	}
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		t.Fatalf("%v in %q", err, a.body)
	}
}

// problem is the code of a problem document, "" for anything else.
func (a answer) problem(t *testing.T) chat.Code {
	t.Helper()
	if a.header.Get("Content-Type") != "application/problem+json" {
		return ""
	}
	var p struct {
		Type, Title, Detail string
		Status              int
		Code                chat.Code
	}
	a.into(t, &p)
	if p.Type != "about:blank" || p.Title == "" || p.Detail == "" || p.Status != a.status || p.Code == "" {
		t.Errorf("an incomplete problem document: %s", a.body)
	}
	return p.Code
}

type with func(*http.Request)

func header(name, value string) with { return func(r *http.Request) { r.Header.Set(name, value) } }
func host(name string) with          { return func(r *http.Request) { r.Host = name } }
func bearer(token string) with       { return header("Authorization", "Bearer "+token) }

func (h *harness) request(base, method, path, body string, more ...with) *http.Request {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), method, base+path, strings.NewReader(body))
	h.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range more {
		change(r)
	}
	return r
}

// call makes a call over the unix socket.
func (h *harness) call(method, path, body string, more ...with) answer {
	h.Helper()
	return h.do(h.request("http://chat", method, path, body, more...))
}

// remote makes a call over TCP, without a token.
func (h *harness) remote(method, path, body string, more ...with) answer {
	h.Helper()
	r := h.request(h.tcp, method, path, body, more...)
	r.Close = true
	return h.send(http.DefaultTransport, r)
}

func (h *harness) do(r *http.Request) answer {
	h.Helper()
	return h.send(h.local.Transport, r)
}

func (h *harness) send(tr http.RoundTripper, r *http.Request) answer {
	h.Helper()
	res, err := tr.RoundTrip(r)
	h.must(err)
	body, err := io.ReadAll(res.Body)
	h.must(errors.Join(err, res.Body.Close()))
	return answer{res.StatusCode, res.Header, body}
}

// conversation makes one, and submitted a task in one of its own.
func (h *harness) conversation() chat.Conversation {
	h.Helper()
	var c chat.Conversation
	h.call("POST", "/conversations", "").into(h.T, &c)
	return c
}

func (h *harness) submitted(more ...with) chat.Accepted {
	h.Helper()
	a := h.call("POST", "/conversations/"+h.conversation().ID+"/messages", `{"content":"why?"}`, more...)
	if a.status != http.StatusAccepted {
		h.Fatalf("%d %s", a.status, a.body)
	}
	var acc chat.Accepted
	a.into(h.T, &acc)
	return acc
}

func (h *harness) eventually(what string, is func() bool) {
	h.Helper()
	if !poll.Until(testTimeout, is) {
		h.Fatalf("never: %s", what)
	}
}
