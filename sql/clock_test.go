package sql

import (
	"path/filepath"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
)

// clockStore is a store whose database's clock can be set, with one queued task and one
// that a worker runs.
type clockStore struct {
	*testing.T
	*Store
	queued, running string // ids of the tasks
}

func newClockStore(t *testing.T, url string) *clockStore {
	t.Helper()
	s, err := Open(t.Context(), url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.mustExec(t, "CREATE TABLE skew (us BIGINT)")
	s.mustExec(t, "INSERT INTO skew VALUES (0)")
	s.db = s.db.WithClock(func(now string) string { return "(" + now + " + (SELECT us FROM skew))" })
	c := &clockStore{T: t, Store: s}
	if err := c.sweep(); err != nil {
		t.Fatal(err)
	}
	c.running = c.submit()
	if got := c.claim("w1"); len(got) != 1 || got[0] != c.running {
		t.Fatalf("claimed %v", got)
	}
	c.queued = c.submit()
	return c
}

func (c *clockStore) submit() string {
	c.Helper()
	conv, err := c.CreateConversation(c.Context(), "ada", chat.Conversation{})
	if err != nil {
		c.Fatal(err)
	}
	acc, _, err := c.Submit(c.Context(), "ada", chat.Submission{ConversationID: conv.ID, Content: "x"}, chat.SubmitOptions{})
	if err != nil {
		c.Fatal(err)
	}
	return acc.TaskID
}

func (c *clockStore) claim(worker string) []string {
	c.Helper()
	claims, err := c.Claim(c.Context(), worker, 10, false)
	if err != nil {
		c.Fatal(err)
	}
	var ids []string
	for _, claim := range claims {
		ids = append(ids, claim.ID)
	}
	return ids
}

func (c *clockStore) sweep() error {
	_, _, err := c.Sweep(c.Context())
	return err
}

func (c *clockStore) set(d time.Duration) {
	c.Helper()
	if _, err := c.db.Exec(c.Context(), "UPDATE skew SET us = us + $1", d.Microseconds()); err != nil {
		c.Fatal(err)
	}
}

func (c *clockStore) state(id string) chat.TaskState {
	c.Helper()
	task, err := c.Task(c.Context(), "ada", id)
	if err != nil {
		c.Fatal(err)
	}
	return task.State
}

func onBothDatabases(t *testing.T, test func(c *clockStore)) {
	t.Run("postgres", func(t *testing.T) { test(newClockStore(t, services.Postgres(t))) })
	t.Run("sqlite", func(t *testing.T) { test(newClockStore(t, "sqlite://"+filepath.Join(t.TempDir(), "chat.db"))) })
}

func TestAClockThatGoesBackDelaysNoTask(t *testing.T) {
	onBothDatabases(t, func(c *clockStore) {
		c.set(-time.Hour)
		if got := c.claim("w2"); len(got) != 0 {
			c.Fatalf("claimed %v: the test did not set the clock", got)
		}
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) {
			c.Fatalf("the sweep did not detect it: %v", err)
		}
		if got := c.claim("w2"); len(got) != 1 || got[0] != c.queued {
			c.Errorf("claimed %v, want the queued task", got)
		}
		// The worker is dead. Its lease was clamped and expires after the usual time.
		c.set(chat.LeaseDuration + time.Second)
		_ = c.sweep() // detects this change, too
		if err := c.sweep(); err != nil || c.state(c.running) != chat.TaskQueued {
			c.Errorf("the dead worker's task is %s (%v)", c.state(c.running), err)
		}
	})
}

func TestAStoreThatOpensAfterTheClockWentBackClampsTheFuture(t *testing.T) {
	onBothDatabases(t, func(c *clockStore) {
		c.set(-time.Hour)
		c.clock = clock{} // as if opened now
		if err := c.sweep(); err != nil {
			c.Fatal(err)
		}
		if got := c.claim("w2"); len(got) != 1 || got[0] != c.queued {
			c.Errorf("claimed %v", got)
		}
	})
}

func TestAClockThatJumpsAheadExpiresNoLeaseOfALivingOwner(t *testing.T) {
	onBothDatabases(t, func(c *clockStore) {
		c.set(8 * time.Hour)
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) || c.state(c.running) != chat.TaskRunning {
			c.Fatalf("after the jump the task is %s (%v)", c.state(c.running), err)
		}
		if _, err := c.Renew(c.Context(), "w1", []string{c.running}); err != nil {
			c.Fatal(err)
		}
		if err := c.sweep(); err != nil || c.state(c.running) != chat.TaskRunning {
			c.Errorf("after the renewal the task is %s (%v)", c.state(c.running), err)
		}
		task, err := c.Task(c.Context(), "ada", c.running)
		if err != nil || task.Attempt != 1 {
			c.Errorf("%+v, %v", task, err)
		}
	})
}

// CheckClock lets the first sweep detect a change since the start.
func TestAClockThatJumpsBeforeTheFirstSweepExpiresNoLease(t *testing.T) {
	onBothDatabases(t, func(c *clockStore) {
		c.Store.clock = clock{} // as of a store that was just opened
		if err := c.CheckClock(c.Context()); err != nil {
			c.Fatal(err)
		}
		c.set(time.Hour)
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) || c.state(c.running) != chat.TaskRunning {
			c.Errorf("the worker's task is %s (%v)", c.state(c.running), err)
		}
	})
}

func TestCompareDetectsASetClockAndALateAnswer(t *testing.T) {
	const lease = 15 * time.Second
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	us := func(d time.Duration) int64 { return at(d).UnixMicro() }
	before := clock{reading: us(0), sent: at(0), received: at(0)}
	for name, c := range map[string]struct {
		reading, sent, received time.Duration
		set, late               bool
	}{
		"in time":        {5 * time.Second, 5 * time.Second, 5*time.Second + time.Millisecond, false, false},
		"answered late":  {20 * time.Second, 5 * time.Second, 20 * time.Second, false, true},
		"set by an hour": {time.Hour, 5 * time.Second, 5 * time.Second, true, false},
		"set back":       {-time.Hour, 5 * time.Second, 5 * time.Second, true, false},
	} {
		if set, late := before.compare(us(c.reading), at(c.sent), at(c.received), lease/3); set != c.set || late != c.late {
			t.Errorf("%s: set %t, late %t", name, set, late)
		}
	}
	if set, late := (&clock{}).compare(us(time.Hour), at(0), at(0), lease/3); set || late {
		t.Errorf("the first reading: set %t, late %t", set, late)
	}
}

// A sweep that is delayed on its way to the database, or repeated after an outage, comes
// before the owners could renew.
func TestALateSweepChangesNoLease(t *testing.T) {
	onBothDatabases(t, func(c *clockStore) {
		until, err := c.checkClock(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		c.set(8 * time.Hour) // as if the statement had waited this long
		if rows, err := c.requeueExpired(c.Context(), until); err != nil || len(rows) != 0 || c.state(c.running) != chat.TaskRunning {
			c.Errorf("%d tasks were requeued (%v)", len(rows), err)
		}
		if rows, err := c.requeueExpired(c.Context(), until+(9*time.Hour).Microseconds()); err != nil || len(rows) != 1 {
			c.Errorf("in time: %d leases expired, want one (%v)", len(rows), err)
		}
	})
}
