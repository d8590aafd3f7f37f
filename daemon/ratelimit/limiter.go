package ratelimit

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/keys"
)

const (
	// ttl is how long a bucket is kept after its last change.
	ttl = time.Hour
	// timeout bounds a change of a bucket. Without Redis a request goes without limits, and the
	// next ones do not ask for downFor.
	timeout = 500 * time.Millisecond
	downFor = 5 * time.Second
	// refreshEvery is how often workers write what they have in flight, and look for buckets
	// that others have learnt.
	refreshEvery = 5 * time.Second
	// maxMeters bounds the buckets of a process.
	maxMeters = 4096
	// maxTries bounds how often a change is tried that another worker's change comes before.
	maxTries = 10
)

// Limiter says when a request may be sent. It is safe for concurrent use.
type Limiter struct {
	rdb    redis.UniversalClient
	names  keys.Names
	worker string
	logger *slog.Logger
	dirty  chan struct{}

	mu     sync.Mutex
	meters map[string]*meter
	down   time.Time // when Redis last failed
}

// meter is what this process has of a bucket.
type meter struct {
	name string
	turn sync.Mutex // held during a change of the bucket in Redis

	mu         sync.Mutex // guards what follows
	learnt     bool       // the bucket is in Redis
	checked    time.Time  // when Redis was asked last whether it is
	contact    contact
	running    int
	unanswered int
	seen       []response // not written yet
	ended      []ended    // not written yet
	changed    bool       // what is in flight has changed since it was written
}

// ended is a request that ended.
type ended struct {
	held time.Duration
	used map[string]float64
}

// New returns a Limiter for the worker with an id. Run starts it.
func New(rdb redis.UniversalClient, worker string, logger *slog.Logger) *Limiter {
	return &Limiter{rdb: rdb, worker: worker, logger: logger, dirty: make(chan struct{}, 1), meters: map[string]*meter{}}
}

// meter returns what this process has of a bucket. Those that are not used are forgotten if
// there are too many.
func (l *Limiter) meter(name string) *meter {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.meters[name]
	if m == nil {
		if len(l.meters) >= maxMeters {
			for other, unused := range l.meters {
				if unused.idle() {
					delete(l.meters, other)
				}
			}
		}
		m = &meter{name: name}
		l.meters[name] = m
	}
	return m
}

func (m *meter) idle() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.running == 0 && len(m.seen) == 0 && len(m.ended) == 0 && !m.changed
}

// Acquire asks whether a request may be sent now. If so, the Turn has to be ended when the
// request has ended. Otherwise it is nil, and wait says when to ask again; waited says that this
// is such a request. If Redis fails, the request may be sent.
func (l *Limiter) Acquire(ctx context.Context, name string, p chat.Priority, waited bool) (t *Turn, wait time.Duration) {
	m := l.meter(name)
	if !l.known(ctx, m) {
		m.meet(ctx)
	}
	if m.isLearnt() && !l.isDown() {
		if wait := l.admit(ctx, m, p, waited); wait > 0 {
			return nil, wait
		}
	} else {
		m.start()
	}
	return &Turn{limiter: l, meter: m, began: time.Now()}, 0
}

func (m *meter) isLearnt() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.learnt
}

// known reports whether the bucket is in Redis. Of one that was not, Run looks again.
func (l *Limiter) known(ctx context.Context, m *meter) bool {
	m.mu.Lock()
	learnt, never := m.learnt, m.checked.IsZero()
	if never {
		m.checked = time.Now()
	}
	m.mu.Unlock()
	if learnt || !never || l.isDown() {
		return learnt
	}
	return l.look(ctx, m)
}

// look asks Redis whether a bucket is there.
func (l *Limiter) look(ctx context.Context, m *meter) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := l.rdb.Get(ctx, l.names.Limit(m.name)).Err()
	if err != nil && !errors.Is(err, redis.Nil) {
		l.failed(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checked = time.Now()
	if err == nil {
		m.learnt = true
		m.contact.signal()
	}
	return m.learnt
}

// start counts a request that is sent without asking Redis.
func (m *meter) start() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running++
	m.unanswered++
	m.changed = true
}

// admit asks the bucket in Redis. It returns 0 if the request goes, which then counts.
func (l *Limiter) admit(ctx context.Context, m *meter, p chat.Priority, waited bool) time.Duration {
	m.turn.Lock()
	defer m.turn.Unlock()
	var due, now instant
	err := l.change(ctx, m, func(b *bucket, a ask) {
		a.rank, a.waited = p.Rank(), waited
		due, now = b.admit(a), a.now
	})
	switch {
	case err != nil:
		l.failed(err)
	case due > 0:
		return max(span(due-now).duration(), time.Millisecond)
	}
	m.start()
	return 0
}

// wake makes Run write what has changed.
func (l *Limiter) wake() {
	select {
	case l.dirty <- struct{}{}:
	default:
	}
}

// Run writes to Redis what was observed, until ctx ends.
func (l *Limiter) Run(ctx context.Context) {
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		refresh := false
		select {
		case <-ctx.Done():
			return
		case <-l.dirty:
		case <-tick.C:
			refresh = true
		}
		if l.isDown() {
			continue
		}
		for _, m := range l.all() {
			if err := l.flush(ctx, m, refresh); err != nil && ctx.Err() == nil {
				l.failed(err)
				break
			}
		}
	}
}

func (l *Limiter) all() []*meter {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]*meter, 0, len(l.meters))
	for _, m := range l.meters {
		list = append(list, m)
	}
	return list
}

// flush writes what has changed in a bucket. With refresh it also writes what is in flight, so
// that it counts, and looks for a bucket that others have learnt.
func (l *Limiter) flush(ctx context.Context, m *meter, refresh bool) error {
	m.mu.Lock()
	write := len(m.seen) > 0 || len(m.ended) > 0 || m.learnt && (m.changed || refresh && m.running > 0)
	look := refresh && !m.learnt && m.changed
	if look {
		m.changed = m.running > 0
	}
	m.mu.Unlock()
	if look && !write {
		l.look(ctx, m)
		return nil
	}
	if !write {
		return nil
	}
	m.turn.Lock()
	defer m.turn.Unlock()
	return l.change(ctx, m, func(*bucket, ask) {})
}

// change applies fn to a bucket in Redis, after what was observed of it. A bucket without limits
// is not kept. fn may be called more than once. The caller holds m.turn.
func (l *Limiter) change(ctx context.Context, m *meter, fn func(*bucket, ask)) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	m.mu.Lock()
	seen, ended := m.seen, m.ended
	m.seen, m.ended, m.changed = nil, nil, false
	m.mu.Unlock()
	kept, err := l.transact(ctx, m.name, func(b *bucket, now instant) {
		m.mu.Lock()
		p := presence{Running: m.running, Unanswered: m.unanswered}
		m.mu.Unlock()
		b.report(l.worker, p, now)
		for _, r := range seen {
			r.At = now - instant(spanOf(time.Since(r.at)))
			b.learn(l.worker, r)
		}
		for _, e := range ended {
			b.held(e.held, e.used)
		}
		fn(b, ask{worker: l.worker, now: now, presence: p})
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.changed = true
		return err
	}
	if m.learnt = kept; kept {
		m.contact.signal()
	}
	return nil
}

// transact changes a bucket atomically: a change of another worker that comes between repeats it.
// kept reports whether there is anything to keep.
func (l *Limiter) transact(ctx context.Context, name string, fn func(*bucket, instant)) (kept bool, err error) {
	key := l.names.Limit(name)
	for range maxTries {
		err = l.rdb.Watch(ctx, func(tx *redis.Tx) error {
			read := tx.Pipeline()
			clock, value := read.Time(ctx), read.Get(ctx, key)
			if _, err := read.Exec(ctx); err != nil && !errors.Is(err, redis.Nil) {
				return err
			}
			var b bucket
			if raw := value.Val(); raw != "" {
				if err := json.Unmarshal([]byte(raw), &b); err != nil {
					l.logger.Debug("rate limits: a bucket cannot be read, and is learnt again", "err", err)
					b = bucket{}
				}
			}
			fn(&b, instant(clock.Val().UnixMicro()))
			if kept = !b.empty(); !kept {
				return nil
			}
			raw, err := json.Marshal(&b)
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, key, raw, ttl)
				return nil
			})
			return err
		}, key)
		if !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	return kept, err
}

// failed records that Redis failed.
func (l *Limiter) failed(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.down) > downFor {
		l.logger.Debug("rate limits: requests go without limits, because Redis fails", "err", err)
	}
	l.down = time.Now()
}

// isDown reports whether Redis failed just now.
func (l *Limiter) isDown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.down) < downFor
}
