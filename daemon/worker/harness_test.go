package worker_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/embedded"
	"chat/daemon/keys"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/openai"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
	"chat/daemon/redisconn"
	"chat/daemon/wakeup"
	"chat/daemon/worker"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/internal/services"
	"chat/sql"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const (
	owner       = "ada"
	testTimeout = 15 * time.Second
)

var names keys.Names

// workerLog adapts the chunk log to the worker.
type workerLog struct{ *chunklog.Log }

func (l workerLog) Begin(ctx context.Context, t chat.Task, allowed func() bool) (worker.LogWriter, chat.Answer, error) {
	w, left, err := l.Log.Begin(ctx, t, allowed)
	if err != nil {
		return nil, left, err
	}
	return w, left, nil
}

// models adapts the registry of models to the worker. script, if set, returns the model
// of attempt n instead of the one that the task names.
type models struct {
	registry *providers.Registry
	script   func(attempt int) string
	titles   string // the model of titles, "" for none

	windows map[string]int // by the model's name

	mu      sync.Mutex
	deleted map[string]int
	learned []int
}

func (m *models) Window(_ context.Context, t chat.Task) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.windows[t.Model]
}

func (m *models) LearnWindow(_ context.Context, t chat.Task, tokens int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.windows == nil {
		m.windows = map[string]int{}
	}
	m.windows[t.Model] = tokens
	m.learned = append(m.learned, tokens)
}

func (*models) LendCredentials(chat.Task) string { return "" }

func (m *models) Name(_ context.Context, t chat.Task) string { return t.Model }

func (m *models) Admit(ctx context.Context, t chat.Task, waited bool) (*model.Turn, error) {
	if m.script != nil {
		t.Model = m.script(t.Attempt)
	}
	return m.registry.Admit(ctx, model.Admission{Model: t.Model, Priority: t.Priority, Waited: waited})
}

func (m *models) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	if m.script != nil {
		req.Model = m.script(t.Attempt)
	}
	return m.registry.Stream(ctx, req)
}

func (m *models) TitleModel(context.Context, chat.Task) string { return m.titles }

func (m *models) Abandon(ctx context.Context, t chat.Task) {
	m.registry.Abandon(ctx, model.Request{Model: t.Model, Upstream: t.Upstream})
}

func (m *models) ForgetCredentials(taskID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deleted == nil {
		m.deleted = map[string]int{}
	}
	m.deleted[taskID]++
}

// harness has everything that a worker needs, and no worker yet.
type harness struct {
	*testing.T
	store    *sql.Store
	rdb      *redis.Client
	log      *chunklog.Log
	queue    *wakeup.Lists
	provider *modeltest.Server
	models   *models
}

// setup has the settings of a harness that are not the defaults.
type setup struct {
	databaseURL string // SQLite otherwise
	redis       *redis.Options
	lease       time.Duration
	script      func(attempt int) string
	background  *modeltest.Background // instead of the lying provider
	limited     *modeltest.Narrow     // instead of the lying provider
	limits      transport.Limits
}

func newHarness(t *testing.T, s setup) *harness {
	t.Helper()
	h := &harness{T: t, provider: modeltest.New(t)}
	if s.databaseURL == "" {
		s.databaseURL = "sqlite://" + t.TempDir() + "/chat.db"
	}
	if s.redis == nil {
		engine, err := embedded.Start(embedded.Options{})
		h.must(err)
		t.Cleanup(func() { h.check(engine.Close()) })
		s.redis = engine.Options()
	}
	s.redis.MaxRetries, s.redis.ContextTimeoutEnabled, s.redis.DialTimeout = -1, true, time.Second
	var err error
	h.store, err = sql.Open(t.Context(), s.databaseURL, sql.Options{Lease: s.lease})
	h.must(err)
	t.Cleanup(func() { h.check(h.store.Close()) })
	h.rdb = redis.NewClient(s.redis)
	t.Cleanup(func() { h.check(h.rdb.Close()) })
	h.log = chunklog.New(redisconn.Of(h.rdb), chunklog.Options{Timeout: 500 * time.Millisecond, Refresh: 50 * time.Millisecond})
	h.queue = wakeup.New(redisconn.Of(h.rdb), 500*time.Millisecond)
	t.Cleanup(func() { h.check(h.queue.Close()) })
	cfg := providers.Config{BaseURL: h.provider.URL, Key: "sk-test", DefaultModel: "lying", Limits: s.limits}
	if s.background != nil {
		cfg.BaseURL, cfg.API = s.background.URL, openai.Responses
	}
	if s.limited != nil {
		cfg.BaseURL = s.limited.URL + "/v1"
	}
	registry := providers.New(cfg)
	t.Cleanup(registry.Close)
	h.models = &models{registry: registry, script: s.script}
	return h
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

// workerOptions are the settings of a worker that are not the defaults.
type workerOptions struct {
	id    string
	store worker.Store // nil: the harness's
	model worker.Model // nil: the harness's
	opts  worker.Options
}

// runningWorker is a worker with its ends.
type runningWorker struct {
	*worker.Worker
	stop func() // takes no more work, and waits for the end
	kill func() // ends without a drain, and waits for the end
}

// work starts a worker that ends with the test.
func (h *harness) work(o workerOptions) *runningWorker {
	h.Helper()
	if o.id == "" {
		o.id = "w1"
	}
	if o.store == nil {
		o.store = h.store
	}
	if o.model == nil {
		o.model = h.models
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.opts.Poll, 50*time.Millisecond)
	def(&o.opts.Renewal, 200*time.Millisecond)
	def(&o.opts.RetryBase, 10*time.Millisecond)
	def(&o.opts.RetryLimit, 50*time.Millisecond)
	o.opts.Info = chat.Worker{ID: o.id, Host: "lab", StartedAt: time.Now()}
	q := wakeup.New(redisconn.Of(h.rdb), 500*time.Millisecond)
	w := &runningWorker{Worker: worker.New(bounded{o.store, h.T}, workerLog{h.log}, q, o.model, o.opts)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(h.Context()))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.Run(ctx, stop)
	}()
	closeStop := sync.OnceFunc(func() { close(stop) })
	w.stop = func() { closeStop(); h.within("the worker ends", done) }
	w.kill = func() { cancel(); h.within("the worker ends", done) }
	h.Cleanup(func() {
		cancel()
		closeStop()
		<-done
		h.check(q.Close())
	})
	return w
}

func (h *harness) sweeper() worker.Sweeper {
	return worker.Sweeper{Store: boundedSweeps{h.store, h.T}, Log: workerLog{h.log}, Queue: h.queue, Model: h.models, Logger: silent}
}

// submit sends a message in a conversation of its own, and notifies.
func (h *harness) submit(content string, more ...func(*chat.Submission)) chat.Accepted {
	h.Helper()
	conv, err := h.store.CreateConversation(h.Context(), owner, chat.Conversation{})
	h.must(err)
	sub := chat.Submission{ConversationID: conv.ID, Content: content, Priority: chat.PriorityNormal}
	for _, change := range more {
		change(&sub)
	}
	acc, _, err := h.store.Submit(h.Context(), owner, sub, chat.SubmitOptions{})
	h.must(err)
	_ = h.queue.Notify(h.Context(), sub.Priority, acc.TaskID) // where Redis is down on purpose
	return acc
}

func (h *harness) task(acc chat.Accepted) chat.Task {
	h.Helper()
	task, err := h.store.Task(h.Context(), owner, acc.TaskID)
	h.must(err)
	return task
}

// ended waits for the task's end in SQL, and returns it with its message.
func (h *harness) ended(acc chat.Accepted) (chat.Task, chat.Message) {
	h.Helper()
	h.eventually("the task has ended", func() bool { return h.task(acc).State.Terminal() })
	return h.task(acc), h.answer(acc)
}

func (h *harness) answer(acc chat.Accepted) chat.Message {
	h.Helper()
	m, err := h.store.Answer(h.Context(), owner, acc.TaskID)
	h.must(err)
	return m
}

// endedAs waits for the task's end and for its terminal chunk, and checks that
// log, SQL and want agree.
func (h *harness) endedAs(acc chat.Accepted, state chat.TaskState, want string) (chat.Task, chat.Message) {
	h.Helper()
	h.eventually("the log has its end", func() bool {
		chunks := h.chunks(acc)
		return len(chunks) > 0 && chunks[len(chunks)-1].Terminal()
	})
	task, m := h.task(acc), h.answer(acc)
	chunks := h.chunks(acc)
	text, reasoning, err := judge(chunks)
	if err != nil {
		h.Fatalf("%v in %s", err, formatChunks(chunks))
	}
	if task.State != state || m.Content != want || text != want || reasoning != m.Reasoning {
		h.Fatalf("the task is %s (%v), want %s\n SQL  %q + %q\n log  %q + %q\n want %q",
			task.State, task.Error, state, m.Content, m.Reasoning, text, reasoning, want)
	}
	end := chunks[len(chunks)-1]
	if end.State != state || end.MessageID != acc.MessageID || end.Attempt != task.Attempt || task.ChunkCount != len(chunks) {
		h.Fatalf("the terminal chunk of %d is %+v, the task %+v", len(chunks), end, task)
	}
	return task, m
}

// calls waits until the record of the provider's calls is as it should be.
func (h *harness) calls(what string, enough func([]modeltest.Call) bool) []modeltest.Call {
	h.Helper()
	ctx, cancel := context.WithTimeout(h.Context(), testTimeout)
	defer cancel()
	if err := h.provider.Wait(ctx, enough); err != nil {
		h.Fatalf("never: %s; calls %+v", what, h.provider.Calls())
	}
	return h.provider.Calls()
}

// tokens waits until call n (from 1) has sent so many.
func (h *harness) tokens(n, count int) {
	h.Helper()
	h.calls(fmt.Sprintf("call %d has sent %d tokens", n, count), func(calls []modeltest.Call) bool {
		return len(calls) >= n && calls[n-1].Tokens >= count
	})
}

// logged waits until the log's newest attempt has the text.
func (h *harness) logged(acc chat.Accepted, text string) {
	h.Helper()
	h.eventually(fmt.Sprintf("the log has %q", text), func() bool {
		a, err := h.log.Read(h.Context(), acc.TaskID)
		return err == nil && a.Parts.Text() == text
	})
}

func (h *harness) eventually(what string, is func() bool) {
	h.Helper()
	if !poll.Until(testTimeout, is) {
		h.Fatalf("never: %s", what)
	}
}

func (h *harness) within(what string, ch <-chan struct{}) {
	h.Helper()
	select {
	case <-ch:
	case <-time.After(testTimeout):
		h.Fatalf("never: %s", what)
	}
}

// abandon claims the task under a worker that does no more than that.
func (h *harness) abandon(acc chat.Accepted) chat.Claim {
	h.Helper()
	claims, err := h.store.Claim(h.Context(), "dead", 1, false)
	h.must(err)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		h.Fatalf("claimed %+v", claims)
	}
	return claims[0]
}

// expire lets all leases expire and sweeps until something came of it.
func (h *harness) expire(is func() bool) {
	h.Helper()
	h.eventually("the sweeper has seen it", func() bool {
		_, err := h.store.ReleaseLeases(h.Context())
		h.must(err)
		h.must(h.sweeper().Sweep(h.Context()))
		return is()
	})
}

// write appends to the log of a claim, as a worker that dies would have.
func (h *harness) write(c chat.Claim, settle bool, text string) {
	h.Helper()
	w, _, err := h.log.Begin(h.Context(), c.Task, func() bool { return true })
	h.must(err)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: text})
	reason := ""
	if settle {
		reason = "stop"
	}
	_, err = w.Seal(h.Context(), reason, settle)
	h.must(err)
}

// redisServer is a real Redis, for tests that take it away.
func redisServer(t *testing.T) *services.RedisServer { return services.StartRedis(t) }
