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
	"chat/daemon/provider"
	"chat/daemon/provider/providertest"
	"chat/daemon/wakeup"
	"chat/daemon/worker"
	"chat/internal/leaks"
	"chat/internal/poll"
	"chat/internal/services"
	"chat/sql"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

const (
	owner    = "ada"
	patience = 15 * time.Second
)

var names keys.Names

// workerLog is the chunk log as the daemon hands it to the worker.
type workerLog struct{ *chunklog.Log }

func (l workerLog) Begin(ctx context.Context, t chat.Task, allowed func() bool) (worker.LogWriter, chat.Answer, error) {
	w, left, err := l.Log.Begin(ctx, t, allowed)
	if err != nil {
		return nil, left, err
	}
	return w, left, nil
}

func (l workerLog) Hint(ctx context.Context, kind, taskID string) error {
	return l.Log.Hint(ctx, chunklog.Control{Type: kind, TaskID: taskID})
}

// models is the provider registry as the worker sees it. script, if set, says
// what attempt n gets instead of what the task asks for.
type models struct {
	registry *provider.Registry
	script   func(attempt int) string

	mu        sync.Mutex
	forgotten map[string]int
}

func (m *models) Name(_ context.Context, t chat.Task) string { return t.Model }

func (m *models) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	if m.script != nil {
		req.Model = m.script(t.Attempt)
	}
	return m.registry.Stream(ctx, req)
}

func (m *models) Forget(taskID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.forgotten == nil {
		m.forgotten = map[string]int{}
	}
	m.forgotten[taskID]++
}

// lab is everything a worker works with, and no worker yet.
type lab struct {
	*testing.T
	store    *sql.Store
	rdb      *redis.Client
	log      *chunklog.Log
	queue    *wakeup.Lists
	provider *providertest.Server
	models   *models
}

// setup says what of a lab is not as usual.
type setup struct {
	databaseURL string // SQLite otherwise
	redis       *redis.Options
	lease       time.Duration
	script      func(attempt int) string
}

func newLab(t *testing.T, s setup) *lab {
	t.Helper()
	l := &lab{T: t, provider: providertest.New(t)}
	if s.databaseURL == "" {
		s.databaseURL = "sqlite://" + t.TempDir() + "/chat.db"
	}
	if s.redis == nil {
		engine, err := embedded.Start(embedded.Options{})
		l.must(err)
		t.Cleanup(func() { l.check(engine.Close()) })
		s.redis = engine.Options()
	}
	s.redis.MaxRetries, s.redis.ContextTimeoutEnabled, s.redis.DialTimeout = -1, true, time.Second
	var err error
	l.store, err = sql.Open(t.Context(), s.databaseURL, sql.Options{Lease: s.lease})
	l.must(err)
	t.Cleanup(func() { l.check(l.store.Close()) })
	l.rdb = redis.NewClient(s.redis)
	t.Cleanup(func() { l.check(l.rdb.Close()) })
	l.log = chunklog.New(l.rdb, chunklog.Options{Timeout: 500 * time.Millisecond, Refresh: 50 * time.Millisecond})
	l.queue = wakeup.New(l.rdb, names, 500*time.Millisecond)
	t.Cleanup(func() { l.check(l.queue.Close()) })
	registry := provider.New(provider.Config{BaseURL: l.provider.URL, Key: "sk-test", DefaultModel: "lying"})
	t.Cleanup(registry.Close)
	l.models = &models{registry: registry, script: s.script}
	return l
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

// on says what a worker of this lab has that is not as usual.
type on struct {
	id    string
	store worker.Store // nil: the lab's
	model worker.Model // nil: the lab's
	opts  worker.Options
}

// hand is a running worker.
type hand struct {
	*worker.Worker
	stop func() // takes no more work, and waits for the end
	kill func() // ends without a drain, and waits for the end
}

// work starts a worker that ends with the test.
func (l *lab) work(o on) *hand {
	l.Helper()
	if o.id == "" {
		o.id = "w1"
	}
	if o.store == nil {
		o.store = l.store
	}
	if o.model == nil {
		o.model = l.models
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
	q := wakeup.New(l.rdb, names, 500*time.Millisecond)
	h := &hand{Worker: worker.New(bounded{o.store, l.T}, workerLog{l.log}, q, o.model, o.opts)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(l.Context()))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		h.Run(ctx, stop)
	}()
	closeStop := sync.OnceFunc(func() { close(stop) })
	h.stop = func() { closeStop(); l.within("the worker ends", done) }
	h.kill = func() { cancel(); l.within("the worker ends", done) }
	l.Cleanup(func() {
		cancel()
		closeStop()
		<-done
		l.check(q.Close())
	})
	return h
}

func (l *lab) sweeper() worker.Sweeper {
	return worker.Sweeper{Store: boundedSweeps{l.store, l.T}, Log: workerLog{l.log}, Queue: l.queue, Logger: silent}
}

// submit sends a message in a conversation of its own, and notifies.
func (l *lab) submit(content string, more ...func(*chat.Submission)) chat.Accepted {
	l.Helper()
	conv, err := l.store.CreateConversation(l.Context(), owner, chat.Conversation{})
	l.must(err)
	sub := chat.Submission{ConversationID: conv.ID, Content: content, Priority: chat.PriorityNormal}
	for _, change := range more {
		change(&sub)
	}
	acc, _, err := l.store.Submit(l.Context(), owner, sub, chat.SubmitOptions{})
	l.must(err)
	_ = l.queue.Notify(l.Context(), sub.Priority, acc.TaskID) // where Redis is down on purpose
	return acc
}

func (l *lab) task(acc chat.Accepted) chat.Task {
	l.Helper()
	task, err := l.store.Task(l.Context(), owner, acc.TaskID)
	l.must(err)
	return task
}

// ended waits for the task's end in SQL, and returns it with its message.
func (l *lab) ended(acc chat.Accepted) (chat.Task, chat.Message) {
	l.Helper()
	l.eventually("the task has ended", func() bool { return l.task(acc).State.Terminal() })
	return l.task(acc), l.answer(acc)
}

func (l *lab) answer(acc chat.Accepted) chat.Message {
	l.Helper()
	m, err := l.store.Answer(l.Context(), owner, acc.TaskID)
	l.must(err)
	return m
}

// endedAs waits for the task's end and for its terminal chunk, and checks that
// log, SQL and want agree.
func (l *lab) endedAs(acc chat.Accepted, state chat.TaskState, want string) (chat.Task, chat.Message) {
	l.Helper()
	l.eventually("the log has its end", func() bool {
		chunks := l.chunks(acc)
		return len(chunks) > 0 && chunks[len(chunks)-1].Terminal()
	})
	task, m := l.task(acc), l.answer(acc)
	chunks := l.chunks(acc)
	text, reasoning, err := judge(chunks)
	if err != nil {
		l.Fatalf("%v in %s", err, told(chunks))
	}
	if task.State != state || m.Content != want || text != want || reasoning != m.Reasoning {
		l.Fatalf("the task is %s (%v), want %s\n SQL  %q + %q\n log  %q + %q\n want %q",
			task.State, task.Error, state, m.Content, m.Reasoning, text, reasoning, want)
	}
	end := chunks[len(chunks)-1]
	if end.State != state || end.MessageID != acc.MessageID || end.Attempt != task.Attempt || task.ChunkCount != len(chunks) {
		l.Fatalf("the terminal chunk of %d is %+v, the task %+v", len(chunks), end, task)
	}
	return task, m
}

// calls waits until the record of the provider's calls is as it should be.
func (l *lab) calls(what string, enough func([]providertest.Call) bool) []providertest.Call {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	if err := l.provider.Wait(ctx, enough); err != nil {
		l.Fatalf("never: %s; calls %+v", what, l.provider.Calls())
	}
	return l.provider.Calls()
}

// tokens waits until call n (from 1) has sent so many.
func (l *lab) tokens(n, count int) {
	l.Helper()
	l.calls(fmt.Sprintf("call %d has sent %d tokens", n, count), func(calls []providertest.Call) bool {
		return len(calls) >= n && calls[n-1].Tokens >= count
	})
}

// logged waits until the log's newest attempt has the text.
func (l *lab) logged(acc chat.Accepted, text string) {
	l.Helper()
	l.eventually(fmt.Sprintf("the log has %q", text), func() bool {
		a, err := l.log.Read(l.Context(), acc.TaskID)
		return err == nil && a.Parts.Text() == text
	})
}

func (l *lab) eventually(what string, is func() bool) {
	l.Helper()
	if !poll.Until(patience, is) {
		l.Fatalf("never: %s", what)
	}
}

func (l *lab) within(what string, ch <-chan struct{}) {
	l.Helper()
	select {
	case <-ch:
	case <-time.After(patience):
		l.Fatalf("never: %s", what)
	}
}

// abandon claims the task under a worker that does no more than that.
func (l *lab) abandon(acc chat.Accepted) chat.Claim {
	l.Helper()
	claims, err := l.store.Claim(l.Context(), "dead", 1, false)
	l.must(err)
	if len(claims) != 1 || claims[0].ID != acc.TaskID {
		l.Fatalf("claimed %+v", claims)
	}
	return claims[0]
}

// expire lets all leases expire and sweeps until something came of it.
func (l *lab) expire(is func() bool) {
	l.Helper()
	l.eventually("the sweeper has seen it", func() bool {
		_, err := l.store.ReleaseLeases(l.Context())
		l.must(err)
		l.must(l.sweeper().Sweep(l.Context()))
		return is()
	})
}

// write appends to the log of a claim, as a worker that dies would have.
func (l *lab) write(c chat.Claim, settle bool, text string) {
	l.Helper()
	w, _, err := l.log.Begin(l.Context(), c.Task, func() bool { return true })
	l.must(err)
	w.Add(chat.Chunk{Type: chat.ChunkContent, Content: text})
	reason := ""
	if settle {
		reason = "stop"
	}
	_, err = w.Seal(l.Context(), reason, settle)
	l.must(err)
}

// redisServer is a real Redis, for tests that take it away.
func redisServer(t *testing.T) *services.RedisServer { return services.StartRedis(t) }
