// Package worker makes answers: it claims tasks, streams the answers of models into the
// chunk log, and commits the results. SQL is the source of truth: a claim is one
// statement that counts the attempt, the attempt's number fences every later write, and
// the terminal chunk is published only after the commit.
//
//	claim → begin the log → steps (stream, append) → seal the log → commit → terminal chunk
//
// An attempt is a loop of steps. A step streams one answer of the model; the last step
// ends the answer. A task of another kind than an answer (chat.TaskKind) differs in what it
// asks of the model, and in what Store.Finish writes with its text.
package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"chat"
	"chat/daemon/model"
)

// Store is what a worker needs of SQL; *sql.Store satisfies it.
type Store interface {
	Claim(ctx context.Context, worker string, n int, backgroundFirst bool) ([]chat.Claim, error)
	Renew(ctx context.Context, worker string, taskIDs []string) ([]chat.Lease, error)
	Thread(ctx context.Context, taskID string) (chat.Thread, error)
	EnqueueTitle(ctx context.Context, owner string, k chat.KindTask) (taskID string, made bool, err error)
	Beginning(ctx context.Context, taskID string) (chat.Parts, error)
	Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error)
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Sent(ctx context.Context, messageID string) (chat.Sent, error)
	Partial(ctx context.Context, taskID string) (chat.Answer, error)
	Checkpoint(ctx context.Context, taskID string, attempt int, a chat.Answer) error
	SwitchModel(ctx context.Context, from chat.Release, to string, f chat.Failover) error
	SetUpstream(ctx context.Context, taskID string, attempt int, upstream string) error
	Finish(ctx context.Context, r chat.Result) error
	Release(ctx context.Context, h chat.Release) error
	Heartbeat(ctx context.Context, w chat.Worker) error
	RemoveWorker(ctx context.Context, id string) error
}

// Log opens chunk logs; the daemon adapts *chunklog.Log to it.
type Log interface {
	Begin(ctx context.Context, t chat.Task, allowed func() bool) (LogWriter, chat.Answer, error)
	Publish(ctx context.Context, e chat.TaskEvent) error
}

// LogWriter is one attempt's log; *chunklog.Writer satisfies it.
type LogWriter interface {
	Add(c chat.Chunk)
	SetModel(name string)
	Run(ctx context.Context) error
	Stop()
	Seal(ctx context.Context, finishReason string, complete bool) (int, error)
	Pack() []byte
	Close(ctx context.Context, terminal chat.Chunk) error
}

// Queue wakes workers; *wakeup.Lists satisfies it.
type Queue interface {
	Wait(ctx context.Context, d time.Duration) (taskID string, err error)
	Discard(ctx context.Context, p chat.Priority, n int) error
	Notify(ctx context.Context, p chat.Priority, taskID string) error
}

// Model streams the answer to a thread. Errors are *chat.Error; when ctx ends it
// closes the provider's connection and returns the context's cause.
type Model interface {
	// Name is the name of the model that will answer t, for display.
	Name(ctx context.Context, t chat.Task) string
	// Admit asks for the right to ask the model of t now; see Registry.Admit.
	Admit(ctx context.Context, t chat.Task, waited bool) (*model.Turn, error)
	Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error]
	// Abandon ends an answer that no attempt will ask for again, if the provider still makes it.
	Abandon(ctx context.Context, t chat.Task)
	// TitleModel is the model that writes the title of the conversation of t, which t.Model
	// answered; "" if none does.
	TitleModel(ctx context.Context, t chat.Task) string
	// Window is how many tokens the model that will answer t accepts, 0 if that is not known.
	Window(ctx context.Context, t chat.Task) int
	// LearnWindow keeps what the provider said about it.
	LearnWindow(ctx context.Context, t chat.Task, tokens int)
	// LendCredentials gives the credentials of t to a new task, and returns its id; "" if t
	// has none of its own.
	LendCredentials(t chat.Task) (taskID string)
	// ForgetCredentials drops the credentials of a task that has ended.
	ForgetCredentials(taskID string)
}

// Options are the settings of a Worker; zero values mean the defaults.
type Options struct {
	Info        chat.Worker      // ID, Host, PID, Version
	Concurrency int              // answers at the same time; 256
	Renewal     time.Duration    // of all leases, in one statement; chat.LeaseRenewal
	Lease       time.Duration    // chat.LeaseDuration
	Poll        time.Duration    // between queries without a wake-up; chat.SweepInterval
	Deadline    time.Duration    // of one attempt; an hour
	Compact     chat.CompactMode // CompactAutomatic
	Drain       time.Duration    // how long a shutdown waits for running answers; 20 s
	RetryBase   time.Duration    // 1 s
	RetryLimit  time.Duration    // 30 s
	Checkpoint  time.Duration    // between two saves of an unfinished answer; 0: the log keeps it
	LogTimeout  time.Duration    // how long the end of an answer waits for Redis; 2 s
	// StoreTimeout bounds one query, 10 s; ShutdownTimeout the wait of a result for SQL
	// during a shutdown, 5 s.
	StoreTimeout, ShutdownTimeout time.Duration
	Logger                        *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Renewal, chat.LeaseRenewal)
	def(&o.Lease, chat.LeaseDuration)
	def(&o.Poll, chat.SweepInterval)
	def(&o.Deadline, time.Hour)
	def(&o.RetryBase, time.Second)
	def(&o.RetryLimit, 30*time.Second)
	def(&o.LogTimeout, 2*time.Second)
	def(&o.StoreTimeout, 10*time.Second)
	def(&o.ShutdownTimeout, 5*time.Second)
	if o.Drain < 0 {
		o.Drain = 0
	} else if o.Drain == 0 {
		o.Drain = 20 * time.Second
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 256
	}
	o.Info.Concurrency = o.Concurrency
	if o.Compact == "" {
		o.Compact = chat.CompactAutomatic
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// The causes that end a running attempt early.
var (
	errCancelled = fmt.Errorf("worker: a cancel was requested: %w", model.ErrCancelled)
	errLeaseLost = errors.New("worker: the lease of the task was lost")
	errShutdown  = errors.New("worker: shutting down")
)

// Worker runs tasks until it is stopped.
type Worker struct {
	store Store
	log   Log
	queue Queue
	model Model
	opts  Options
	lease lease

	factors factors

	mu      sync.Mutex
	running map[run]context.CancelCauseFunc

	slots chan struct{}
	tasks sync.WaitGroup // attempts and delayed wake-ups
}

// run names an attempt. A task has two of them here until the older one, which lost its
// lease, ends.
type run struct {
	taskID  string
	attempt int
}

// New returns a Worker; Run starts it.
func New(s Store, l Log, q Queue, m Model, o Options) *Worker {
	o = o.withDefaults()
	return &Worker{
		store: s, log: l, queue: q, model: m, opts: o, lease: lease{term: o.Lease, renewal: o.Renewal},
		running: map[run]context.CancelCauseFunc{}, slots: make(chan struct{}, o.Concurrency),
	}
}

// Run works until stop is closed or ctx ends. After stop it claims no more tasks and gives
// running answers Options.Drain to finish. After that time, or when ctx ends, it returns
// them to the queue, which does not count as a failed attempt. It returns when all
// attempts have ended.
func (w *Worker) Run(ctx context.Context, stop <-chan struct{}) {
	// The writes of a shutdown outlive ctx.
	work, cancelWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelWork(nil)
	claiming, stopClaiming := context.WithCancel(ctx)
	defer stopClaiming()

	var loops sync.WaitGroup
	renewing, stopRenewing := context.WithCancel(context.WithoutCancel(ctx))
	renewed := w.renew(renewing) // the leases are trusted from the start
	loops.Go(func() { w.renewLoop(renewing, renewed) })
	loops.Go(func() {
		select {
		case <-stop:
		case <-ctx.Done():
		}
		stopClaiming()
	})
	w.dispatch(claiming, work)

	w.drain(ctx)
	cancelWork(errShutdown)
	w.tasks.Wait()
	stopRenewing()
	loops.Wait()
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.opts.LogTimeout)
	defer cancel()
	if err := w.store.RemoveWorker(bye, w.opts.Info.ID); err != nil {
		w.opts.Logger.Warn("worker: its row stays until it expires", "err", err)
	}
}

// drain waits until no attempt runs, Options.Drain has passed, or ctx ends.
func (w *Worker) drain(ctx context.Context) {
	idle := make(chan struct{})
	var wg sync.WaitGroup
	limited, cancel := context.WithTimeout(ctx, w.opts.Drain)
	defer cancel()
	wg.Go(func() {
		for range cap(w.slots) { // all slots are free: no attempt runs
			select {
			case w.slots <- struct{}{}:
			case <-limited.Done():
				return
			}
		}
		close(idle)
	})
	select {
	case <-idle:
	case <-limited.Done():
	}
	wg.Wait()
}

// dispatch claims tasks when slots are free and a wake-up comes or Options.Poll has passed.
func (w *Worker) dispatch(claiming, work context.Context) {
	claims, failures := 0, 0
	more := true
	last := time.Time{}
	for claiming.Err() == nil {
		if !more && time.Since(last) < w.opts.Poll {
			id, err := w.queue.Wait(claiming, time.Second)
			switch {
			case err != nil && claiming.Err() == nil:
				failures++ // without Redis, SQL is polled
				pause(claiming, chat.Backoff(min(failures, 4), 250*time.Millisecond, time.Second))
			case err == nil:
				failures = 0
				if id == "" {
					continue
				}
			}
		}
		free := w.acquire(claiming)
		if free == 0 {
			return
		}
		claims++
		got, err := w.claim(claiming, free, claims%10 == 0)
		if err != nil && claiming.Err() == nil {
			w.opts.Logger.Warn("worker: cannot claim", "err", err)
			pause(claiming, chat.Backoff(1, time.Second, time.Second))
		}
		last, more = time.Now(), len(got) == free
		w.start(work, got)
		for range free - len(got) {
			<-w.slots
		}
	}
}

func (w *Worker) claim(ctx context.Context, n int, backgroundFirst bool) ([]chat.Claim, error) {
	ctx, cancel := context.WithTimeout(ctx, w.opts.StoreTimeout)
	defer cancel()
	return w.store.Claim(ctx, w.opts.Info.ID, n, backgroundFirst)
}

// acquire waits for a free slot and acquires up to 16: other workers need tasks, too.
func (w *Worker) acquire(ctx context.Context) int {
	select {
	case <-ctx.Done():
		return 0
	case w.slots <- struct{}{}:
	}
	for n := 1; ; n++ {
		if n == 16 {
			return n
		}
		select {
		case w.slots <- struct{}{}:
		default:
			return n
		}
	}
}

// start runs claimed tasks, each in its own goroutine and slot.
func (w *Worker) start(work context.Context, claims []chat.Claim) {
	surplus := map[chat.Priority]int{}
	for i, c := range claims {
		if i > 0 {
			surplus[c.Priority]++
		}
		ctx, cancel := context.WithCancelCause(work)
		this := run{c.ID, c.Attempt}
		w.mu.Lock()
		for other, stop := range w.running {
			if other.taskID == c.ID {
				stop(errLeaseLost)
			}
		}
		w.running[this] = cancel
		w.mu.Unlock()
		a := &attempt{w: w, claim: c, notices: c.Notices, waited: c.Waiting != nil}
		w.tasks.Go(func() {
			defer func() {
				w.mu.Lock()
				delete(w.running, this)
				w.mu.Unlock()
				cancel(nil)
				<-w.slots
			}()
			a.run(ctx, work)
		})
	}
	for p, n := range surplus {
		if err := w.queue.Discard(work, p, n); err != nil {
			w.opts.Logger.Debug("worker: wake-ups stay in their list", "err", err)
		}
	}
}

// Cancel stops a task if it runs here. The cancellation is in SQL already.
func (w *Worker) Cancel(taskID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r, cancel := range w.running {
		if r.taskID == taskID {
			cancel(errCancelled)
		}
	}
}

// Running is the number of running attempts.
func (w *Worker) Running() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.running)
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
