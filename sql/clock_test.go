package sql

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
)

// clocked is a store whose database's clock can be set, with one task that waits
// and one that a worker holds.
type clocked struct {
	*testing.T
	*Store
	waits, runs string
}

func newClocked(t *testing.T, url string) *clocked {
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
	now := "(" + s.dialect.now + " + (SELECT us FROM skew))"
	s.expand = strings.NewReplacer("{{now}}", now, "{{skip locked}}", s.dialect.skipLocked, "{{lock}}", s.dialect.lock)
	c := &clocked{T: t, Store: s}
	if err := c.sweep(); err != nil {
		t.Fatal(err)
	}
	c.runs = c.submit()
	if got := c.claim("w1"); len(got) != 1 || got[0] != c.runs {
		t.Fatalf("claimed %v", got)
	}
	c.waits = c.submit()
	return c
}

func (c *clocked) submit() string {
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

func (c *clocked) claim(worker string) []string {
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

func (c *clocked) sweep() error {
	_, _, err := c.Sweep(c.Context())
	return err
}

func (c *clocked) set(d time.Duration) {
	c.Helper()
	if _, err := c.writer.ExecContext(c.Context(), "UPDATE skew SET us = us + $1", d.Microseconds()); err != nil {
		c.Fatal(err)
	}
}

func (c *clocked) state(id string) chat.TaskState {
	c.Helper()
	task, err := c.Task(c.Context(), "ada", id)
	if err != nil {
		c.Fatal(err)
	}
	return task.State
}

func onBoth(t *testing.T, test func(c *clocked)) {
	t.Run("postgres", func(t *testing.T) { test(newClocked(t, services.Postgres(t))) })
	t.Run("sqlite", func(t *testing.T) { test(newClocked(t, "sqlite://"+filepath.Join(t.TempDir(), "chat.db"))) })
}

func TestAClockThatGoesBackHoldsNothingUp(t *testing.T) {
	onBoth(t, func(c *clocked) {
		c.set(-time.Hour)
		if got := c.claim("w2"); len(got) != 0 {
			c.Fatalf("claimed %v: the test sets no clock", got)
		}
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) {
			c.Fatalf("nobody noticed: %v", err)
		}
		if got := c.claim("w2"); len(got) != 1 || got[0] != c.waits {
			c.Errorf("claimed %v, want the task that waits", got)
		}
		// The owner is dead: its lease is one of now, and over after its time.
		c.set(chat.LeaseDuration + time.Second)
		_ = c.sweep() // notices that, too
		if err := c.sweep(); err != nil || c.state(c.runs) != chat.TaskQueued {
			c.Errorf("the dead worker's task is %s (%v)", c.state(c.runs), err)
		}
	})
}

func TestAStoreThatOpensAfterTheClockWentBackSetsThingsRight(t *testing.T) {
	onBoth(t, func(c *clocked) {
		c.set(-time.Hour)
		c.clock = clock{} // as if opened now
		if err := c.sweep(); err != nil {
			c.Fatal(err)
		}
		if got := c.claim("w2"); len(got) != 1 || got[0] != c.waits {
			c.Errorf("claimed %v", got)
		}
	})
}

func TestAClockThatLeapsTakesNoLeaseFromALivingOwner(t *testing.T) {
	onBoth(t, func(c *clocked) {
		c.set(8 * time.Hour)
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) || c.state(c.runs) != chat.TaskRunning {
			c.Fatalf("after the leap the task is %s (%v)", c.state(c.runs), err)
		}
		if _, err := c.Renew(c.Context(), "w1", []string{c.runs}); err != nil {
			c.Fatal(err)
		}
		if err := c.sweep(); err != nil || c.state(c.runs) != chat.TaskRunning {
			c.Errorf("the owner has renewed, and its task is %s (%v)", c.state(c.runs), err)
		}
		task, err := c.Task(c.Context(), "ada", c.runs)
		if err != nil || task.Attempt != 1 {
			c.Errorf("%+v, %v", task, err)
		}
	})
}

// The first sweep comes a moment after the start. What the clock did in that moment
// is noticed, too.
func TestAClockThatLeapsBeforeTheFirstSweepTakesNoLease(t *testing.T) {
	onBoth(t, func(c *clocked) {
		c.Store.clock = clock{} // as of a store that was just opened
		if err := c.CheckClock(c.Context()); err != nil {
			c.Fatal(err)
		}
		c.set(time.Hour)
		if err := c.sweep(); !chat.IsCode(err, chat.CodeUnavailable) || c.state(c.runs) != chat.TaskRunning {
			c.Errorf("the owner's task is %s (%v)", c.state(c.runs), err)
		}
	})
}

func TestALookThatOutlivesAnOutageJudgesNobody(t *testing.T) {
	const lease = 15 * time.Second
	began := time.Now()
	at := func(d time.Duration) time.Time { return began.Add(d) }
	us := func(d time.Duration) int64 { return at(d).UnixMicro() }
	before := clock{told: us(0), asked: at(0), came: at(0)}
	for name, c := range map[string]struct {
		told, asked, came time.Duration
		set, late         bool
	}{
		"in time":                     {5 * time.Second, 5 * time.Second, 5*time.Second + time.Millisecond, false, false},
		"asked before, answered late": {20 * time.Second, 5 * time.Second, 20 * time.Second, false, true},
		"set by an hour":              {time.Hour, 5 * time.Second, 5 * time.Second, true, false},
		"set back":                    {-time.Hour, 5 * time.Second, 5 * time.Second, true, false},
	} {
		if set, late := before.passed(us(c.told), at(c.asked), at(c.came), lease/3); set != c.set || late != c.late {
			t.Errorf("%s: set %t, late %t", name, set, late)
		}
	}
	if set, late := (&clock{}).passed(us(time.Hour), at(0), at(0), lease/3); set || late {
		t.Errorf("the first look: set %t, late %t", set, late)
	}
}

// A sweep that is held up on its way to the database, or repeated behind an outage,
// comes before the owners could renew.
func TestASweepThatComesTooLateTouchesNoLease(t *testing.T) {
	onBoth(t, func(c *clocked) {
		until, err := c.checkClock(c.Context())
		if err != nil {
			c.Fatal(err)
		}
		c.set(8 * time.Hour) // as if the statement had waited so long
		if rows, err := c.requeue(c.Context(), until); err != nil || len(rows) != 0 || c.state(c.runs) != chat.TaskRunning {
			c.Errorf("%d tasks were taken from their owners (%v)", len(rows), err)
		}
		if rows, err := c.requeue(c.Context(), until+(9*time.Hour).Microseconds()); err != nil || len(rows) != 1 {
			c.Errorf("in time, %d leases have expired, not one (%v)", len(rows), err)
		}
	})
}
