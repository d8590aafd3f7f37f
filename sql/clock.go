package sql

import (
	"context"
	"sync"
	"time"

	"chat"
	"chat/sql/database"
)

// All times are the database's: its clock decides what is due and which lease has
// expired, not the clocks of the processes. But that clock can be set, too, by an hour
// or by ten years, and a suspended laptop resumes hours later. A process can compare
// how far the clock moved with how much time passed.

// clock is the last reading of the database's clock.
type clock struct {
	mu             sync.Mutex
	reading        int64     // microseconds
	sent, received time.Time // of the query, by the clock of this process
}

// compare judges a new reading: set reports that the clock was set since the last one,
// late that the query took so long that workers may have been cut off meanwhile, as in an
// outage that the query survived.
func (c *clock) compare(reading int64, sent, received time.Time, tolerance time.Duration) (set, late bool) {
	moved := time.Duration(reading-c.reading) * time.Microsecond
	set = !c.received.IsZero() && (moved < sent.Sub(c.received)-tolerance || moved > received.Sub(c.sent)+tolerance)
	return set, received.Sub(sent) > tolerance
}

// errLate reports that workers may have been unable to renew their leases.
var errLate = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database answered slowly, or was away until now: workers renew their leases first"))

// errClockSet reports that workers may still hold expired leases.
var errClockSet = chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the database's clock was set, or this machine was suspended: workers renew their leases first"))

// checkClock reads the database's clock and returns the time, by that clock, until which
// the reading may be used to judge leases. It returns errClockSet if the clock and the
// passed time differ. Then, and at the first reading, it also clamps times that a clock
// that went back has left in the future. It returns errLate if the query took long.
func (s *Store) checkClock(ctx context.Context) (until int64, err error) {
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	sent := time.Now()
	reading, err := database.Get[int64](ctx, s.db, `SELECT {{now}}`)
	if err != nil {
		return 0, err
	}
	received := time.Now()
	first := s.clock.received.IsZero()
	tolerance := s.lease / 3
	set, late := s.clock.compare(reading, sent, received, tolerance)
	if first || set {
		if err := s.clampFuture(ctx); err != nil {
			return 0, err
		}
	}
	s.clock.reading, s.clock.sent, s.clock.received = reading, sent, received
	switch {
	case set:
		return 0, errClockSet
	case late:
		return 0, errLate
	}
	return reading + micros(tolerance), nil
}

// clampFuture bounds times that are further ahead than any that the store writes. After
// a clock went back, nothing would be due for that long.
func (s *Store) clampFuture(ctx context.Context) error {
	ahead := max(5*time.Minute, 4*s.lease)
	_, err := s.db.Exec(ctx, `UPDATE tasks SET
			run_after = CASE WHEN run_after > {{now}} + $1 THEN {{now}} ELSE run_after END,
			lease_until = CASE WHEN lease_until > {{now}} + $1 THEN {{now}} + $2 ELSE lease_until END
		WHERE state IN ('queued', 'running') AND (run_after > {{now}} + $1 OR lease_until > {{now}} + $1)`,
		micros(ahead), micros(s.lease))
	if err != nil {
		return err
	}
	// Living workers send a heartbeat within seconds.
	_, err = s.db.Exec(ctx, `DELETE FROM workers WHERE seen_at > {{now}} + $1`, micros(ahead))
	return err
}
