// Package worker makes answers: it claims tasks, streams them from a model into
// the chunk log, and commits the result. SQL is the record: a claim is one
// statement that counts the attempt, the attempt fences every later write, and
// the terminal chunk is published only after the commit.
//
//	claim → begin log → stream, append → settle log → commit → terminal chunk
package worker

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"chat/daemon/model"

	"chat"
)

// Store is what a worker needs of SQL; *sql.Store satisfies it.
type Store interface {
	Claim(ctx context.Context, worker string, n int, backgroundFirst bool) ([]chat.Claim, error)
	Renew(ctx context.Context, worker string, taskIDs []string) ([]chat.Lease, error)
	Thread(ctx context.Context, taskID string) (system string, thread []chat.Message, err error)
	Partial(ctx context.Context, taskID string) (chat.Answer, error)
	Checkpoint(ctx context.Context, taskID string, attempt int, a chat.Answer) error
	Finish(ctx context.Context, r chat.Result) error
	Requeue(ctx context.Context, h chat.Release) error
	Heartbeat(ctx context.Context, w chat.Worker) error
	RemoveWorker(ctx context.Context, id string) error
}

// Log opens chunk logs; the daemon adapts *chunklog.Log to it.
type Log interface {
	Begin(ctx context.Context, t chat.Task, allowed func() bool) (LogWriter, chat.Answer, error)
	Hint(ctx context.Context, kind, taskID string) error
}

// LogWriter is one attempt's log; *chunklog.Writer satisfies it.
type LogWriter interface {
	Add(c chat.Chunk)
	Run(ctx context.Context) error
	Stop()
	Seal(ctx context.Context, finishReason string, complete bool) (int, error)
	Close(ctx context.Context, terminal chat.Chunk) error
}

// Queue wakes workers; *wakeup.Lists satisfies it.
type Queue interface {
	Wait(ctx context.Context, d time.Duration) (taskID string, err error)
	Drain(ctx context.Context, p chat.Priority, n int) error
	Notify(ctx context.Context, p chat.Priority, taskID string) error
}

// Model streams the answer to a thread. Errors are *chat.Error; when ctx ends it
// closes the provider's connection and returns the context's cause.
type Model interface {
	// Name is the model that will answer t, for those who watch.
	Name(ctx context.Context, t chat.Task) string
	Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error]
	// Forget is called when a task has left this worker for good.
	Forget(taskID string)
}

// Options are the settings of a Worker; zero values mean the defaults.
type Options struct {
	Info        chat.Worker   // ID, Host, PID, Version
	Concurrency int           // answers at once; 256
	Renewal     time.Duration // of all leases, in one statement; chat.LeaseRenewal
	Lease       time.Duration // chat.LeaseDuration
	Poll        time.Duration // a query without a wake-up; chat.SweepInterval
	Deadline    time.Duration // of one attempt; an hour
	Drain       time.Duration // how long a shutdown waits for running answers; 20 s
	RetryBase   time.Duration // 1 s
	RetryLimit  time.Duration // 30 s
	Checkpoint  time.Duration // between two saves of an answer on its way; 0: the log keeps it
	LogTimeout  time.Duration // how long an end waits for Redis; 2 s
	// StoreTimeout bounds one question to SQL, 10 s; ShutdownTimeout how long, once the
	// worker is to end, a result may wait for SQL, 5 s.
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
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Why a running attempt is stopped before its end.
var (
	errCancelled = errors.New("worker: a cancel was requested")
	errLeaseLost = errors.New("worker: the task is not ours any more")
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

	mu      sync.Mutex
	running map[run]context.CancelCauseFunc

	slots chan struct{}
	tasks sync.WaitGroup // attempts, and wake-ups to be sent later
}

// run names an attempt: one task may have two here, while the older one that
// lost its lease has yet to notice.
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

// Run works in two stages of ending: once stop is closed it takes no more work
// and gives running answers Options.Drain to finish; when that has passed, or ctx
// ends, it hands them back to the queue, which does not count as a failed
// attempt. It returns when all is done.
func (w *Worker) Run(ctx context.Context, stop <-chan struct{}) {
	// Database writes of an ending outlive ctx: they are what ctx's end is for.
	work, cancelWork := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelWork(nil)
	taking, stopTaking := context.WithCancel(ctx)
	defer stopTaking()

	var loops sync.WaitGroup
	renewing, stopRenewing := context.WithCancel(context.WithoutCancel(ctx))
	renewed := w.renew(renewing) // so that the lease is known to be good from the start
	loops.Go(func() { w.renewLoop(renewing, renewed) })
	loops.Go(func() {
		select {
		case <-stop:
		case <-ctx.Done():
		}
		stopTaking()
	})
	w.dispatch(taking, work)

	w.drain(ctx)
	cancelWork(errShutdown)
	w.tasks.Wait()
	stopRenewing()
	loops.Wait()
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.opts.LogTimeout)
	defer cancel()
	if err := w.store.RemoveWorker(bye, w.opts.Info.ID); err != nil {
		w.opts.Logger.Warn("worker: its row stays until it is seen to be old", "err", err)
	}
}

// drain waits until nothing runs, the drain time is over or ctx ends.
func (w *Worker) drain(ctx context.Context) {
	idle := make(chan struct{})
	var wg sync.WaitGroup
	over, cancel := context.WithTimeout(ctx, w.opts.Drain)
	defer cancel()
	wg.Go(func() {
		for range cap(w.slots) { // every slot free: nothing runs
			select {
			case w.slots <- struct{}{}:
			case <-over.Done():
				return
			}
		}
		close(idle)
	})
	select {
	case <-idle:
	case <-over.Done():
	}
	wg.Wait()
}

// dispatch claims tasks whenever slots are free and there is a wake-up or time passes.
func (w *Worker) dispatch(taking, work context.Context) {
	claims, failures := 0, 0
	more := true
	last := time.Time{}
	for taking.Err() == nil {
		if !more && time.Since(last) < w.opts.Poll {
			id, err := w.queue.Wait(taking, time.Second)
			switch {
			case err != nil && taking.Err() == nil:
				failures++ // without Redis, SQL is asked at a slower pace
				pause(taking, chat.Backoff(min(failures, 4), 250*time.Millisecond, time.Second))
			case err == nil:
				failures = 0
				if id == "" {
					continue
				}
			}
		}
		free := w.acquire(taking)
		if free == 0 {
			return
		}
		claims++
		got, err := w.claim(taking, free, claims%10 == 0)
		if err != nil && taking.Err() == nil {
			w.opts.Logger.Warn("worker: cannot claim", "err", err)
			pause(taking, chat.Backoff(1, time.Second, time.Second))
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

// acquire waits for a slot and takes what else is free, 16 at most: other
// workers want some too.
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

// start runs claimed tasks, each in a goroutine and a slot of its own.
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
		a := &attempt{w: w, claim: c, notices: c.Notices}
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
		if err := w.queue.Drain(work, p, n); err != nil {
			w.opts.Logger.Debug("worker: wake-ups stay in their list", "err", err)
		}
	}
}

// Cancel stops a task if it runs here. The cancel itself is in SQL already.
func (w *Worker) Cancel(taskID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for r, cancel := range w.running {
		if r.taskID == taskID {
			cancel(errCancelled)
		}
	}
}

// Running is the number of answers being made here.
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
