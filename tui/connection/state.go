// Package connection knows the state of the server: whether it can be reached,
// which tasks run there, and what other screens have changed. It learns this from
// the followed streams and by polling, since the server does not push it.
package connection

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// RestoredFor is how long the label says "restored" before it says "live" again.
const RestoredFor = 3 * time.Second

// State is the state of the connection.
type State struct {
	reconnecting map[int]chat.ConnState // by stream
	reason       string                 // why polling fails, "" if it does not
	reachable    bool                   // the server itself reported that failure
	degraded     string                 // what is down while the server still works, "" if nothing is
	nextTry      time.Time
	failures     int
	contacted    bool
	restored     time.Time
}

// Contacted reports whether the server has ever answered.
func (s *State) Contacted() bool { return s.contacted }

// Failures is the number of polls that have failed since the last success.
func (s *State) Failures() int { return s.failures }

// SetStream records a change of one stream's connection.
func (s *State) SetStream(id int, change chat.ConnState, now time.Time) {
	_, was := s.reconnecting[id]
	if change.State == chat.ConnReconnecting {
		change.Reason = sanitize.Line(change.Reason)
		s.reconnecting[id] = change
		return
	}
	s.contacted = true
	delete(s.reconnecting, id)
	if was {
		s.restored = now
	}
}

// EndStream forgets a stream.
func (s *State) EndStream(id int) { delete(s.reconnecting, id) }

// EndStreams forgets all streams.
func (s *State) EndStreams() { clear(s.reconnecting) }

// failed records a failed poll and returns the pause before the next one.
func (s *State) failed(reason string, reachable bool, now time.Time) time.Duration {
	s.failures++
	s.reachable, s.degraded = reachable, ""
	pause := min(time.Second<<min(s.failures-1, 4), idleInterval)
	s.reason, s.nextTry = reason, now.Add(pause)
	return pause
}

// succeeded records a successful poll.
func (s *State) succeeded(degraded string, now time.Time) {
	if degraded == "" && (s.failures > 0 || s.degraded != "") {
		s.restored = now
	}
	s.reason, s.failures, s.contacted, s.degraded = "", 0, true, degraded
}

// Counting reports whether the label changes as time passes.
func (s *State) Counting(now time.Time) bool {
	return len(s.reconnecting) > 0 || s.reason != "" || now.Sub(s.restored) < RestoredFor
}

// Label is the connection in a few words and its colour. An urgent label is more
// important than hints.
func (s *State) Label(th theme.Theme, now time.Time) (text, sgr string, urgent bool) {
	switch {
	case len(s.reconnecting) > 0:
		c := s.reconnecting[slices.Min(slices.Collect(maps.Keys(s.reconnecting)))]
		return "reconnecting" + because(c.Reason, c.NextTry, now), th.Warn, true
	case s.reason != "" && s.reachable:
		return "degraded" + because(s.reason, s.nextTry, now), th.Warn, true
	case s.reason != "":
		return "reconnecting" + because(s.reason, s.nextTry, now), th.Warn, true
	case s.degraded != "":
		return "degraded: " + s.degraded, th.Warn, false
	case !s.contacted:
		return "connecting", th.Dim, false
	case now.Sub(s.restored) < RestoredFor:
		return "restored", th.Good, false
	}
	return "live", th.Good, false
}

func because(reason string, next, now time.Time) string {
	text := ""
	if reason != "" {
		text = ": " + reason
	}
	if wait := next.Sub(now); !next.IsZero() && wait > 0 {
		text += fmt.Sprintf(" · next try in %d s", int((wait+time.Second-1)/time.Second))
	}
	return text
}
