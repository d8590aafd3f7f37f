package worker

import (
	"testing"
	"testing/synctest"
	"time"
)

// A worker that was paused for longer than its lease must not be believed until
// it has heard of the database, whatever it still holds.
func TestALeaseIsTrustedUntilItCanExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := lease{term: 15 * time.Second, renewal: 5 * time.Second}
		steps := []struct {
			what            string
			renewed, failed bool
			after           time.Duration
			good            bool
		}{
			{"at first", false, false, 0, false},
			{"renewed just now", true, false, 0, true},
			{"a renewal is due", false, false, 6 * time.Second, true},
			{"paused past the lease", false, false, 9 * time.Second, false},
			{"the database cannot be reached", false, true, 0, true},
			{"paused, and the database was away before", false, false, 11 * time.Second, false},
			{"renewed again", true, false, 0, true},
		}
		for _, s := range steps {
			time.Sleep(s.after)
			if s.renewed {
				l.renewed = time.Now()
			}
			if s.failed {
				l.failed = time.Now()
			}
			if got := l.trusted(); got != s.good {
				t.Errorf("%s: good is %t", s.what, got)
			}
		}
	})
}
