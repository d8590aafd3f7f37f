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
	"chat/daemon/embedded"
	"chat/daemon/follow"
	"chat/daemon/keys"
	"chat/daemon/provider"
	"chat/daemon/wakeup"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/sql"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const (
	token    = "chat_0123456789abcdef0123456789abcdef"
	patience = 10 * time.Second
	nobody   = "01999999-9999-7999-8999-999999999999"
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

func (l apiLog) State(ctx context.Context) string {
	if l.rdb.Ping(ctx).Err() != nil {
		return "down"
	}
	return "ok"
}

func (l apiLog) Hint(ctx context.Context, kind, taskID string) error {
	return l.Log.Hint(ctx, chunklog.Control{Type: kind, TaskID: taskID})
}

// shelf stands for the provider registry: it lists two models and remembers
// what it is given.
type shelf struct {
	mu   sync.Mutex
	held map[string]string
	seen int
}

func (s *shelf) Models(_ context.Context, key, _ string) ([]chat.Model, error) {
	if key == "sk-bad" {
		return nil, chat.Errorf(chat.CodeProviderAuth, "the provider refused the key")
	}
	return []chat.Model{{ID: "lying", Provider: "test", Default: true}, {ID: "lying-too", Provider: "test"}}, nil
}

func (s *shelf) CheckBaseURL(baseURL string) error { return provider.CheckBaseURL(baseURL) }

func (s *shelf) Configured(key, baseURL string) bool { return key == "sk-server" && baseURL == "" }

func (s *shelf) CheckModel(_ context.Context, model, key, _ string) error {
	if strings.HasPrefix(model, "lynig") && key != "sk-other" {
		return chat.Errorf(chat.CodeProviderModel, "test has no model %q: did you mean \"lying\"?", model)
	}
	return nil
}

func (s *shelf) DefaultModel(string, string) string { return "own-default" }

func (s *shelf) Remember(taskID, key, _ string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[taskID] = key
	s.seen++
}

func (s *shelf) Forget(taskID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.held, taskID)
}

func (s *shelf) holds(taskID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[taskID]
}

// lab is a server on a unix socket and on TCP, with everything behind it but a
// worker, whose part the test plays.
type lab struct {
	*testing.T
	dir    string
	store  *sql.Store
	rdb    *redis.Client
	log    *chunklog.Log
	shelf  *shelf
	server *api.Server
	local  *http.Client // over the unix socket
	tcp    string       // base URL of the TCP listener
	socket string
}

func newLab(t *testing.T, o api.Options) *lab {
	t.Helper()
	return newLabWith(t, o, nil)
}

// newLabWith lets wrap stand between the server and its database.
func newLabWith(t *testing.T, o api.Options, wrap func(api.Store) api.Store) *lab {
	t.Helper()
	return newLabThrough(t, o, wrap, nil)
}

// newLabThrough lets wrappers stand before the database and the log, where they
// are not nil.
func newLabThrough(t *testing.T, o api.Options, wrap func(api.Store) api.Store, wrapLog func(api.Log) api.Log) *lab {
	t.Helper()
	l := &lab{T: t, dir: t.TempDir(), shelf: &shelf{held: map[string]string{}}}
	engine, err := embedded.Start(embedded.Options{})
	l.must(err)
	t.Cleanup(func() { l.check(engine.Close()) })
	opts := engine.Options()
	opts.MaxRetries = -1
	l.rdb = redis.NewClient(opts)
	t.Cleanup(func() { l.check(l.rdb.Close()) })
	l.store, err = sql.Open(t.Context(), "sqlite://"+filepath.Join(l.dir, "chat.db"), sql.Options{})
	l.must(err)
	t.Cleanup(func() { l.check(l.store.Close()) })
	l.log = chunklog.New(l.rdb, chunklog.Options{Refresh: 50 * time.Millisecond})
	q := wakeup.New(l.rdb, names, 0)
	t.Cleanup(func() { l.check(q.Close()) })

	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var loops sync.WaitGroup
	loops.Go(func() { l.log.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		loops.Wait()
	})
	if o.Protocol == [2]int{} {
		o.Protocol = [2]int{1, 1}
	}
	o.Instance, o.Version, o.PID, o.Worker = "i1", "test", 42, "w1"
	o.Authenticate = func(got string) (string, bool) { return chat.LocalOwner, got == token }
	var store api.Store = l.store
	if wrap != nil {
		store = wrap(l.store)
	}
	var log api.Log = apiLog{l.log, l.rdb}
	if wrapLog != nil {
		log = wrapLog(log)
	}
	l.server = api.New(ctx, store, log, q, l.shelf, o)
	l.listen()
	return l
}

// listen mounts the server on a unix socket, whose peers are local, and on TCP.
func (l *lab) listen() {
	l.Helper()
	mount := func(listener net.Listener) *httptest.Server {
		s := httptest.NewUnstartedServer(l.server.Handler())
		s.Config.ConnContext = api.ConnContext
		s.Config.MaxHeaderBytes = 64 << 10
		if listener != nil {
			l.check(s.Listener.Close())
			s.Listener = listener
		}
		s.Start()
		l.Cleanup(func() {
			l.server.Drain()
			s.CloseClientConnections()
			s.Close()
			l.check(l.server.Wait(context.Background()))
		})
		return s
	}
	l.socket = filepath.Join(l.dir, "s")
	unix, err := net.Listen("unix", l.socket)
	l.must(err)
	mount(unix)
	tr := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", l.socket)
	}}
	l.local = &http.Client{Transport: tr}
	l.Cleanup(tr.CloseIdleConnections)
	l.tcp = mount(nil).URL
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) check(err error) {
	l.Helper()
	if err != nil {
		l.Error(err)
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

func (l *lab) request(base, method, path, body string, more ...with) *http.Request {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), method, base+path, strings.NewReader(body))
	l.must(err)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, change := range more {
		change(r)
	}
	return r
}

// call makes a call over the unix socket.
func (l *lab) call(method, path, body string, more ...with) answer {
	l.Helper()
	return l.do(l.request("http://chat", method, path, body, more...))
}

// remote makes a call over TCP, without a token.
func (l *lab) remote(method, path, body string, more ...with) answer {
	l.Helper()
	r := l.request(l.tcp, method, path, body, more...)
	r.Close = true
	return l.send(http.DefaultTransport, r)
}

func (l *lab) do(r *http.Request) answer {
	l.Helper()
	return l.send(l.local.Transport, r)
}

func (l *lab) send(tr http.RoundTripper, r *http.Request) answer {
	l.Helper()
	res, err := tr.RoundTrip(r)
	l.must(err)
	body, err := io.ReadAll(res.Body)
	l.must(errors.Join(err, res.Body.Close()))
	return answer{res.StatusCode, res.Header, body}
}

// conversation makes one, and submitted a task in one of its own.
func (l *lab) conversation() chat.Conversation {
	l.Helper()
	var c chat.Conversation
	l.call("POST", "/conversations", "").into(l.T, &c)
	return c
}

func (l *lab) submitted(more ...with) chat.Accepted {
	l.Helper()
	a := l.call("POST", "/conversations/"+l.conversation().ID+"/messages", `{"content":"why?"}`, more...)
	if a.status != http.StatusAccepted {
		l.Fatalf("%d %s", a.status, a.body)
	}
	var acc chat.Accepted
	a.into(l.T, &acc)
	return acc
}

func (l *lab) eventually(what string, is func() bool) {
	l.Helper()
	if !poll.Until(patience, is) {
		l.Fatalf("never: %s", what)
	}
}
