package sql

import (
	"context"
	"sync"
	"time"

	"chat"
)

// All times are the database's own: it judges what is due and which lease is
// over, whatever the clocks of the processes say. But that clock can be set, too,
// by an hour or by ten years, and a laptop that slept wakes up hours later. What
// each process can tell is whether it moved as fast as time itself.

// clock is when the database's clock was looked at last.
type clock struct {
	mu          sync.Mutex
	told        int64     // by the database, microseconds
	asked, came time.Time // here
}

// passed judges a look whose question was asked and answered then, after the look
// before: whether the clock was set in between, and whether the answer came so late
// that owners may have been cut off meanwhile, as after an outage that the question
// has outlived.
func (c *clock) passed(told int64, asked, came time.Time, tolerance time.Duration) (set, late bool) {
	moved := time.Duration(told-c.told) * time.Microsecond
	set = !c.came.IsZero() && (moved < asked.Sub(c.came)-tolerance || moved > came.Sub(c.asked)+tolerance)
	return set, came.Sub(asked) > tolerance
}

// errLate says that owners may not have been able to renew their leases.
var errLate = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database was slow to answer, or away until now: owners of leases come first"))

// errClockSet says that leases that are over may have living owners.
var errClockSet = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database's clock was set, or this machine slept: owners of leases come first"))

// checkClock returns until when, by the database's clock, leases may be judged by
// this look. It returns errClockSet if that clock has moved otherwise than time
// since the look before. Then, and at the first look, it sets right what a clock
// that went back has left in the future. It returns errLate if the answer took long.
func (s *Store) checkClock(ctx context.Context) (until int64, err error) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	asked := time.Now()
	told, err := get[int64](ctx, s, `SELECT {{now}}`)
	if err != nil {
		return 0, err
	}
	came := time.Now()
	first := s.clock.came.IsZero()
	tolerance := s.lease / 3
	set, late := s.clock.passed(told, asked, came, tolerance)
	if first || set {
		if err := s.clampFuture(ctx); err != nil {
			return 0, err
		}
	}
	s.clock.told, s.clock.asked, s.clock.came = told, asked, came
	switch {
	case set:
		return 0, errClockSet
	case late:
		return 0, errLate
	}
	return told + micros(tolerance), nil
}

// clampFuture bounds times that are further ahead than any that is written: a clock
// that went back made them so, and nothing would be due for as long.
func (s *Store) clampFuture(ctx context.Context) error {
	ahead := max(5*time.Minute, 4*s.lease)
	_, err := s.exec(ctx, `UPDATE tasks SET
			run_after = CASE WHEN run_after > {{now}} + $1 THEN {{now}} ELSE run_after END,
			lease_until = CASE WHEN lease_until > {{now}} + $1 THEN {{now}} + $2 ELSE lease_until END
		WHERE state IN ('queued', 'running') AND (run_after > {{now}} + $1 OR lease_until > {{now}} + $1)`,
		micros(ahead), micros(s.lease))
	if err != nil {
		return err
	}
	// Those who live say so again within seconds.
	_, err = s.exec(ctx, `DELETE FROM workers WHERE seen_at > {{now}} + $1`, micros(ahead))
	return err
}
