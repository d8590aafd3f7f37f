package ratelimit

import (
	"math"
	"time"
)

// instant is a time by the clock of Redis, in microseconds since 1970, and span a duration in
// microseconds.
type (
	instant int64
	span    int64
)

const second = span(time.Second / time.Microsecond)

func spanOf(d time.Duration) span { return span(d.Microseconds()) }

func seconds(n float64) span { return span(math.Min(n, 1e9) * float64(second)) }

func (s span) duration() time.Duration { return time.Duration(s) * time.Microsecond }

// The kinds of limits, as far as they are known.
const (
	// window: everything is available again at one moment. An unknown kind is treated so.
	window = "window"
	// rolling: what was used becomes available evenly.
	rolling = "rolling"
)

// maxStrikes is how many requests a rolling limit may refuse in a row before it is treated as a
// window.
const maxStrikes = 3

// leastMove is by how much the moment moves at least at which all of a rolling limit is
// available; less is the time that a response took.
const leastMove = instant(second / 50)

// limit is one limit of a bucket.
type limit struct {
	Limit  float64 `json:"limit"`
	Left   float64 `json:"left"` // at At
	At     instant `json:"at"`
	Full   instant `json:"full,omitempty"`   // when all of a window is available again
	Period span    `json:"period,omitempty"` // the longest reset that was seen: the length of a window
	Kind   string  `json:"kind,omitempty"`
	Rate   float64 `json:"rate,omitempty"` // of a rolling limit, per second
	Cost   float64 `json:"cost,omitempty"` // of one request, 0 if it is unknown

	Begun   bool    `json:"begun,omitempty"`   // a request went since Full
	Lowest  float64 `json:"lowest,omitempty"`  // of all readings since Since
	Since   instant `json:"since,omitempty"`   // when the readings before the next Full began
	Base    instant `json:"base,omitempty"`    // the Full of the first of them
	Strikes int     `json:"strikes,omitempty"` // refusals in a row
}

// refresh adds what became available until now. Those of the inFlight requests that have no
// response may count in the new window.
func (l *limit) refresh(now instant, inFlight int) {
	switch {
	case l.Kind == rolling && now > l.At:
		l.Left = math.Min(l.Limit, l.Left+l.Rate*float64(now-l.At)/float64(second))
	case l.Kind != rolling && now >= l.Full:
		l.Left, l.Begun = l.Limit-float64(inFlight)*l.cost(), false
		if l.Period > 0 {
			l.Full += instant(l.Period) * (1 + (now-l.Full)/instant(l.Period))
		}
	}
	l.At = max(l.At, now)
}

// cost is what a request takes, and needed what has to be left for it.
func (l *limit) cost() float64   { return math.Max(l.Cost, 1) }
func (l *limit) needed() float64 { return math.Min(l.cost(), l.Limit) }

// free returns when a request is possible.
func (l *limit) free(now instant, inFlight int) instant {
	l.refresh(now, inFlight)
	missing := l.needed() - l.Left
	switch {
	case missing <= 0:
		return now
	case l.Kind == rolling && l.Rate > 0:
		return now + instant(seconds(missing/l.Rate)) + 1
	}
	return max(l.Full, now+instant(second/20))
}

// interval is the time between two requests at the full rate.
func (l *limit) interval() span {
	switch {
	case l.Kind == rolling && l.Rate > 0:
		return seconds(l.needed() / l.Rate)
	case l.Limit > 0:
		return seconds(float64(l.Period) / float64(second) * l.needed() / l.Limit)
	}
	return 0
}

// take subtracts a request. The first one of a window may begin it.
func (l *limit) take(now instant) {
	if l.Kind != rolling && !l.Begun {
		l.Full = max(l.Full, now+instant(l.Period))
	}
	l.Begun = true
	l.Left -= l.cost()
}

// learn applies a reading of a time. others is the number of requests that the provider may not
// have counted yet, because they have no response.
func (l *limit) learn(r Reading, at instant, others int) {
	known := l.Limit > 0
	if full := at + instant(spanOf(r.Reset)); known && l.Kind != rolling && r.Reset > 0 && full <= l.At {
		l.Left = math.Min(l.Left+l.cost(), l.Limit) // the request was counted in a window that is over
		return
	}
	l.refresh(at, others)
	l.Limit = r.Limit
	if r.Reset > 0 {
		l.learnReset(r, at, known)
	}
	left := r.Left
	if l.Kind != rolling {
		left = math.Min(left, l.Lowest)
	}
	switch {
	case !known || others == 0:
		l.Left = left - float64(others)*l.cost()
	case l.Cost == 0 && l.Kind == window: // every request was subtracted, and what others used can only be more
		l.Left = math.Min(l.Left, left)
	default: // responses arrive in another order than the requests were counted
		l.Left = math.Min(left-float64(others)*l.cost(), l.Left+l.cost())
	}
}

// learnReset learns the kind of the limit: the moment at which all of it is available moves with
// each request to a rolling limit, and only then.
func (l *limit) learnReset(r Reading, at instant, known bool) {
	full := at + instant(spanOf(r.Reset))
	length := l.Base - l.Since
	if known && at < l.Base-length/4 {
		moved := full - l.Base
		switch {
		case l.Kind != "":
		case moved > max(length/4, leastMove):
			l.Kind = rolling
		case length > 8*leastMove && at-l.Since > length/4:
			l.Kind = window
		}
		l.Lowest = math.Min(l.Lowest, r.Left)
	} else {
		l.Since, l.Base, l.Lowest = at, full, r.Left
	}
	l.Full, l.Period = full, max(l.Period, spanOf(r.Reset))
	if used := r.Limit - r.Left; used > 0 {
		rate := used / r.Reset.Seconds()
		if l.Rate > 0 {
			rate = 0.7*l.Rate + 0.3*rate
		}
		l.Rate = rate
	}
}

// strike records that a request was refused although it seemed possible, or none was.
func (l *limit) strike(refused bool) {
	if !refused {
		l.Strikes = 0
		return
	}
	if l.Strikes++; l.Kind == rolling && l.Strikes >= maxStrikes {
		l.Kind = window
	}
}
