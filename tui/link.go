package tui

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"chat"
	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// restoredFor is how long "restored" stands before it is plain "live" again.
const restoredFor = 3 * time.Second

// link is how the connection stands, from what the followers and the poll
// have seen.
type link struct {
	followers map[int]chat.ConnState // those that are reconnecting
	reason    string                 // why polling fails, "" if it does not
	answered  bool                   // by the server itself, which can be reached
	trouble   string                 // what is down behind a server that goes on, "" if nothing is
	nextTry   time.Time
	failures  int
	contacted bool
	restored  time.Time
}

func newLink() link { return link{followers: map[int]chat.ConnState{}} }

// follower takes a change of one follower's connection.
func (l *link) follower(id int, change chat.ConnState, now time.Time) {
	_, was := l.followers[id]
	if change.State == chat.ConnReconnecting {
		change.Reason = sanitize.Line(change.Reason)
		l.followers[id] = change
		return
	}
	l.contacted = true
	delete(l.followers, id)
	if was {
		l.restored = now
	}
}

func (l *link) end(id int) { delete(l.followers, id) }
func (l *link) forget()    { clear(l.followers) }

// failed records a failed poll and returns the pause before the next.
func (l *link) failed(reason string, answered bool, now time.Time) time.Duration {
	l.failures++
	l.answered, l.trouble = answered, ""
	pause := min(time.Second<<min(l.failures-1, 4), idlePollInterval)
	l.reason, l.nextTry = reason, now.Add(pause)
	return pause
}

func (l *link) reached(trouble string, now time.Time) {
	if trouble == "" && (l.failures > 0 || l.trouble != "") {
		l.restored = now
	}
	l.reason, l.failures, l.contacted, l.trouble = "", 0, true, trouble
}

// counting reports whether the label changes by itself as time passes.
func (l *link) counting(now time.Time) bool {
	return len(l.followers) > 0 || l.reason != "" || now.Sub(l.restored) < restoredFor
}

// label is the connection in a few words, its colour, and whether it is so
// important that hints give way to it.
func (l *link) label(th theme.Theme, now time.Time) (text, sgr string, urgent bool) {
	switch {
	case len(l.followers) > 0:
		f := l.followers[slices.Min(slices.Collect(maps.Keys(l.followers)))]
		return "reconnecting" + because(f.Reason, f.NextTry, now), th.Warn, true
	case l.reason != "" && l.answered:
		return "degraded" + because(l.reason, l.nextTry, now), th.Warn, true
	case l.reason != "":
		return "reconnecting" + because(l.reason, l.nextTry, now), th.Warn, true
	case l.trouble != "":
		return "degraded: " + l.trouble, th.Warn, false
	case !l.contacted:
		return "connecting", th.Dim, false
	case now.Sub(l.restored) < restoredFor:
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
