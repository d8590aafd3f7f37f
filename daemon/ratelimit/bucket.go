package ratelimit

import (
	"math"
	"time"

	"chat"
	"chat/daemon/model"
)

const (
	// presenceTTL is how long a worker counts that does not write any more.
	presenceTTL = 20 * second
	// backgroundTurn is how many requests go before one of the background, while one waits.
	backgroundTurn = 9

	// firstParallel is the first limit of requests at the same time. Each accepted request adds
	// one until one is refused, or maxParallel is reached and there is no limit.
	firstParallel = 2
	maxParallel   = 512
	// growth is the time in which the number of requests at the same time doubles at first, in
	// seconds, and firstHold how long a request takes before one has ended.
	growth    = 0.25
	firstHold = second / 4
	// After a refusal, one more request is tried after firstTrial, later after up to maxTrial.
	firstTrial = 10 * second
	maxTrial   = 600 * second

	// minWait is the shortest wait of a request, and firstBackoff the wait after a refusal that
	// nothing explains.
	minWait      = second / 50
	firstBackoff = second / 4
	maxBackoff   = 2 * second
	// minRate and maxRate bound a learnt rate, in requests per second; above it there is none.
	minRate = 5
	maxRate = 1000
)

// bucket is what is known of a server, key and model, as all workers share it.
type bucket struct {
	Limits map[string]*limit `json:"limits,omitempty"`
	// Blocked is when the provider wants the next request, after a refusal.
	Blocked  instant  `json:"blocked,omitempty"`
	Parallel parallel `json:"parallel"`
	Pace     pace     `json:"pace"`
	// Next is when the last of the waiting requests of each priority will have gone.
	Next [3]instant `json:"next"`
	// Passed counts the requests that went since the last one of the background.
	Passed int `json:"passed,omitempty"`
	// Hold is how long a request takes, on average.
	Hold    span                `json:"hold,omitempty"`
	Workers map[string]presence `json:"workers,omitempty"`
}

// presence is what one worker has in flight.
type presence struct {
	Running    int     `json:"running"`    // requests
	Unanswered int     `json:"unanswered"` // those of them without a response
	Seen       instant `json:"seen"`
}

// parallel is the learnt limit of requests at the same time.
type parallel struct {
	Max     float64 `json:"max,omitempty"`   // 0: none
	Open    bool    `json:"open,omitempty"`  // so many are possible that there is none
	Trial   span    `json:"trial,omitempty"` // between two tries of one more; 0 before the first refusal
	At      instant `json:"at,omitempty"`    // of the next try
	Refused instant `json:"refused,omitempty"`
}

// pace is the learnt rate of a provider that refuses requests and does not say why.
type pace struct {
	Rate     float64 `json:"rate,omitempty"` // per second; 0: unlimited
	Credit   float64 `json:"credit,omitempty"`
	At       instant `json:"at,omitempty"`
	Gap      float64 `json:"gap,omitempty"` // between two requests, in seconds, on average
	Last     instant `json:"last,omitempty"`
	Refusals int     `json:"refusals,omitempty"` // in a row
	Lowered  instant `json:"lowered,omitempty"`
}

// response is what a worker saw of one response.
type response struct {
	at       time.Time // by this process's clock
	At       instant
	Readings map[string]Reading
	Outcome  model.Outcome
	Delay    time.Duration // that the provider asks for
	Running  int           // of this worker at that time, this request included
	Others   int           // of those, without a response
}

// ask is a request that wants to go.
type ask struct {
	worker string
	now    instant
	rank   int  // of its priority
	waited bool // the time that it was given before has come
	presence
}

// empty reports whether nothing limits the requests.
func (b *bucket) empty() bool {
	return len(b.Limits) == 0 && b.Parallel == parallel{} && b.Blocked == 0
}

// report records what a worker has in flight, and forgets the workers that have gone.
func (b *bucket) report(worker string, p presence, now instant) {
	p.Seen = now
	if b.Workers == nil {
		b.Workers = map[string]presence{}
	}
	b.Workers[worker] = p
	for id, other := range b.Workers {
		if other.Seen < now-instant(presenceTTL) || id != worker && other.Running == 0 {
			delete(b.Workers, id)
		}
	}
}

// running returns the requests in flight of all workers.
func (b *bucket) running() int {
	n := 0
	for _, p := range b.Workers {
		n += p.Running
	}
	return n
}

// unanswered returns those of them without a response.
func (b *bucket) unanswered() int {
	n := 0
	for _, p := range b.Workers {
		n += p.Unanswered
	}
	return n
}

// admit lets a request go, and returns 0; or it returns when to ask again. Requests that wait
// are given times one after the other, as fast as the bucket allows, those of a higher priority
// first. One whose time was too early goes to the end, so that not all of them ask at each
// moment at which one may go.
func (b *bucket) admit(a ask) instant {
	b.report(a.worker, a.presence, a.now)
	earliest, ahead := b.earliest(a.now), b.ahead(a)
	if earliest <= a.now && ahead <= a.now {
		b.take(a)
		return 0
	}
	due := max(earliest, a.now+instant(minWait), ahead, b.Next[a.rank])
	b.Next[a.rank] = due + instant(max(b.interval(due-a.now), minWait/10))
	return due
}

// ahead returns when those will have gone that wait and go first, a time in the past if there
// are none. Now and then one of the background goes first.
func (b *bucket) ahead(a ask) instant {
	var until instant
	for rank := range a.rank {
		if a.rank != chat.PriorityBackground.Rank() || b.Passed < backgroundTurn {
			until = max(until, b.Next[rank])
		}
	}
	if !a.waited {
		until = max(until, b.Next[a.rank])
	}
	return until
}

// earliest returns when all limits allow a request.
func (b *bucket) earliest(now instant) instant {
	at := max(now, b.Blocked)
	for _, l := range b.Limits {
		at = max(at, l.free(now, b.unanswered()))
	}
	if p := b.Parallel; p.Max > 0 && float64(b.running()) >= p.Max && !b.tries(now) {
		at = max(at, now+instant(max(b.turnover(), minWait)))
	}
	return max(at, b.Pace.free(now))
}

// tries reports whether one request more than the learnt limit is to be tried.
func (b *bucket) tries(now instant) bool {
	p := b.Parallel
	return p.Trial > 0 && now >= p.At && float64(b.running()) < p.Max+1
}

// interval is the time between two requests at the rate that all limits allow, after a time. What
// is only guessed is rather too short: an early request asks again, and a late one leaves the
// provider idle.
func (b *bucket) interval(after instant) span {
	var longest span
	for _, l := range b.Limits {
		longest = max(longest, l.interval())
	}
	switch p := b.Parallel; {
	case p.Max > 0 && p.Trial > 0:
		longest = max(longest, b.turnover())
	case p.Max > 0: // which doubles with each response
		longest = max(longest, seconds(growth/p.Max/math.Exp2(math.Min(float64(after)/growth/float64(second), 1))))
	}
	if b.Pace.Rate > 0 {
		longest = max(longest, seconds(0.5/b.Pace.Rate))
	}
	return longest
}

// turnover is the time after which one of the requests in flight ends, on average.
func (b *bucket) turnover() span {
	hold := b.Hold
	if hold == 0 {
		hold = firstHold
	}
	return span(0.7 * float64(hold) / math.Max(b.Parallel.Max, 1))
}

// take counts a request that goes.
func (b *bucket) take(a ask) {
	for _, l := range b.Limits {
		l.take(a.now)
	}
	if p := &b.Parallel; p.Max > 0 && float64(b.running()) >= p.Max {
		p.At = a.now + instant(p.Trial)
	}
	b.Pace.take(a.now)
	a.Running++
	a.Unanswered++
	b.report(a.worker, a.presence, a.now)
	if b.Passed++; a.rank == chat.PriorityBackground.Rank() {
		b.Passed = 0
	}
}

// learn applies a response that worker got.
func (b *bucket) learn(worker string, r response) {
	inFlight, others := r.Running, max(r.Others, b.Workers[worker].Unanswered)
	for id, p := range b.Workers {
		if id != worker {
			inFlight, others = inFlight+p.Running, others+p.Unanswered
		}
	}
	for name, reading := range r.Readings {
		if b.Limits == nil {
			b.Limits = map[string]*limit{}
		}
		l := b.Limits[name]
		if l == nil {
			l = &limit{}
			b.Limits[name] = l
		}
		l.learn(reading, r.At, others)
		l.strike(r.Outcome == model.Limited && reading.Left < l.needed())
	}
	switch r.Outcome {
	case model.Accepted:
		b.accepted(inFlight)
	case model.Limited:
		b.refused(r, inFlight)
	case model.Failed: // which says nothing about limits
	}
}

// accepted raises the learnt limits.
func (b *bucket) accepted(inFlight int) {
	p := &b.Parallel
	switch {
	case p.Open:
	case p.Trial > 0 && float64(inFlight) > p.Max:
		p.Max, p.Trial = float64(inFlight), max(p.Trial/2, second)
	case p.Trial == 0 && p.Max < float64(2*inFlight): // otherwise it says nothing about more
		p.Max = math.Max(math.Max(p.Max, firstParallel)+1, float64(inFlight))
		if p.Max > maxParallel {
			*p = parallel{Open: true}
		}
	}
	b.Pace.Refusals = 0
	switch {
	case b.Pace.Rate > maxRate:
		b.Pace.Rate = 0
	case b.Pace.Rate < 2*minRate: // otherwise it would take minutes
		b.Pace.Rate *= 1.25
	default:
		b.Pace.Rate *= 1.03
	}
}

// refused lowers the limit that refused a request. What the headers explain is learnt already.
// Otherwise too many requests were in flight, unless that was respected; then they came too fast.
func (b *bucket) refused(r response, inFlight int) {
	if r.Delay > 0 && (len(r.Readings) == 0 || exhausted(r.Readings)) {
		b.Blocked = max(b.Blocked, r.At+instant(spanOf(r.Delay)))
		return
	}
	if exhausted(r.Readings) {
		return
	}
	p := &b.Parallel
	accepted := float64(inFlight - 1)
	if accepted >= 1 && (p.Trial == 0 || accepted >= p.Max-1) {
		if p.Max == 0 || accepted < p.Max {
			p.Max = accepted
		}
		if p.Open = false; r.At-p.Refused > instant(second) {
			p.Trial = min(max(2*p.Trial, firstTrial), maxTrial)
		}
		p.Refused, p.At = r.At, r.At+instant(p.Trial)
		return
	}
	b.Blocked = max(b.Blocked, r.At+instant(b.Pace.slow(r.At)))
}

// exhausted reports whether readings explain a refusal.
func exhausted(readings map[string]Reading) bool {
	for name, r := range readings {
		if r.Left < 1 || name != requests && r.Left < r.Limit/10 {
			return true
		}
	}
	return false
}

// free returns when the next request keeps the pace.
func (p *pace) free(now instant) instant {
	if p.Rate == 0 {
		return now
	}
	p.Credit = math.Min(1, p.Credit+p.Rate*float64(now-p.At)/float64(second))
	if p.At = now; p.Credit >= 1 {
		return now
	}
	return now + instant(seconds((1-p.Credit)/p.Rate)) + 1
}

func (p *pace) take(now instant) {
	p.Credit--
	if gap := float64(now-p.Last) / float64(second); p.Last > 0 {
		if p.Gap == 0 {
			p.Gap = gap
		}
		p.Gap = 0.8*p.Gap + 0.2*math.Min(gap, 60)
	}
	p.Last = now
}

// slow lowers the rate and returns how long to wait after a refusal. Refusals at nearly the same
// time lower it once.
func (p *pace) slow(at instant) span {
	p.Refusals++
	wait := min(firstBackoff<<min(p.Refusals-1, 10), maxBackoff)
	if p.Rate > 0 && at-p.Lowered < instant(2*second) {
		return wait
	}
	p.Lowered = at
	rate := 1.0
	if p.Gap > 0 {
		rate = 0.7 / p.Gap
	}
	if p.Rate > 0 {
		rate = math.Min(rate, 0.7*p.Rate)
	}
	p.Rate = math.Max(rate, minRate)
	return wait
}

// held records how long a request took, and what it used of a limit by name.
func (b *bucket) held(d time.Duration, used map[string]float64) {
	if b.Hold == 0 {
		b.Hold = spanOf(d)
	}
	b.Hold = max(span(0.8*float64(b.Hold)+0.2*float64(spanOf(d))), 1)
	for name, n := range used {
		if l := b.Limits[name]; l != nil && n > 0 {
			if l.Cost == 0 {
				l.Cost = n
			}
			l.Cost = 0.8*l.Cost + 0.2*n
		}
	}
}
