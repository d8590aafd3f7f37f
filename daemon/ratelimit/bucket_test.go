package ratelimit

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"chat"
	"chat/daemon/model"
)

// provider is a provider of a simulation. It is asked in the order of time.
type provider struct {
	rate     float64 // requests per second
	rolling  bool    // the rate is a bucket that refills evenly; otherwise a window of a second
	begun    bool    // the window begins with its first request, not with the clock's second
	parallel int     // requests at the same time; 0: any number
	silent   bool    // without headers

	left    float64
	at      instant
	running int

	refused int
}

// request reports whether a request is accepted, and what the response says.
func (p *provider) request(now instant) (ok bool, readings map[string]Reading) {
	switch {
	case p.rolling:
		p.left = math.Min(p.rate, p.left+p.rate*float64(now-p.at)/float64(second))
		p.at = now
	case p.begun && now-p.at >= instant(second), !p.begun && now/instant(second) != p.at/instant(second), p.at == 0:
		p.left, p.at = p.rate, now
	}
	ok = p.parallel == 0 || p.running < p.parallel
	if ok && p.left < 1 {
		ok = false
	} else if ok {
		p.left--
		p.running++
	}
	if !ok {
		p.refused++
	}
	if p.silent {
		return ok, nil
	}
	reset := instant(second) - now%instant(second)
	if p.begun {
		reset = p.at + instant(second) - now
	}
	if p.rolling {
		reset = instant((p.rate - p.left) / p.rate * float64(second))
	}
	return ok, map[string]Reading{requests: {Limit: p.rate, Left: math.Floor(p.left), Reset: span(reset).duration()}}
}

// job is a request of a simulation.
type job struct {
	rank    int
	waited  bool
	claims  int
	done    instant
	refused int
}

// simulation lets two workers send jobs, by a clock of its own.
type simulation struct {
	*testing.T
	provider *provider
	latency  span // until the response
	hold     span // of a request
	// Until a request arrives, until the worker sees its response, and until the bucket learns
	// of it, another time of up to jitter passes: the machine is busy.
	jitter span
	random *rand.Rand

	now    instant
	events []event
	bucket *bucket
	flight [2]presence // of each worker
	seen   [2][]response
	jobs   []*job
}

// event is something that happens at a time.
type event struct {
	at  instant
	do  func()
	seq int
}

func (s *simulation) after(d span, do func()) {
	s.events = append(s.events, event{s.now + instant(d), do, len(s.events)})
}

// write lets the bucket learn what a worker has seen.
func (s *simulation) write(w int) {
	s.bucket.report(workerName(w), s.flight[w], s.now)
	for _, r := range s.seen[w] {
		s.bucket.learn(workerName(w), r)
	}
	s.seen[w] = nil
}

// late returns a time by which something is late.
func (s *simulation) late() span {
	if s.jitter == 0 {
		return 0
	}
	return span(s.random.Int64N(int64(s.jitter)))
}

// run lets everything happen, in order.
func (s *simulation) run() {
	s.bucket = &bucket{}
	if s.now == 0 {
		s.now = 1_000_000_000_123
	}
	for i := range s.jobs {
		s.after(span(i)*20, func() { s.claim(s.jobs[i], i%2) })
	}
	for steps := 0; len(s.events) > 0; steps++ {
		if steps > 1_000_000 {
			s.Fatal("the simulation does not end")
		}
		i := 0
		for j := range s.events {
			if e, least := s.events[j], s.events[i]; cmp.Or(cmp.Compare(e.at, least.at), cmp.Compare(e.seq, least.seq)) < 0 {
				i = j
			}
		}
		e := s.events[i]
		s.events = slices.Delete(s.events, i, i+1)
		s.now = e.at
		e.do()
	}
}

func workerName(w int) string { return fmt.Sprintf("w%d", w) }

// claim is a worker's attempt at a job.
func (s *simulation) claim(j *job, w int) {
	j.claims++
	p := &s.flight[w]
	s.write(w)
	if !s.bucket.empty() {
		if due := s.bucket.admit(ask{worker: workerName(w), now: s.now, rank: j.rank, waited: j.waited, presence: *p}); due > 0 {
			j.waited = true
			s.after(span(due-s.now), func() { s.claim(j, (w+j.claims)%2) })
			return
		}
	} else if p.Unanswered >= contactRequests { // as Limiter.meet
		j.claims--
		s.after(second/100, func() { s.claim(j, w) })
		return
	}
	p.Running++
	p.Unanswered++
	s.after(s.latency/2+s.late(), func() { s.arrive(j, w) })
}

// arrive is the request at the provider.
func (s *simulation) arrive(j *job, w int) {
	p := &s.flight[w]
	ok, readings := s.provider.request(s.now)
	s.after(s.latency/2+s.late(), func() {
		p.Unanswered--
		outcome := model.Accepted
		if !ok {
			outcome = model.Limited
		}
		if !ok || len(readings) > 0 || !s.bucket.empty() {
			r := response{At: s.now, Readings: readings, Outcome: outcome, Running: p.Running, Others: p.Unanswered}
			s.seen[w] = append(s.seen[w], r)
			s.after(s.late(), func() { s.write(w) })
		}
		if !ok {
			j.refused++
			p.Running--
			s.write(w)
			s.after(second/4, func() { s.claim(j, w) })
			return
		}
		s.after(s.hold, func() {
			s.provider.running--
			p.Running--
			j.done = s.now
			if !s.bucket.empty() {
				s.bucket.held((s.hold + s.latency).duration(), nil)
				s.after(s.late(), func() { s.write(w) })
			}
		})
	})
}

// On a busy machine requests and responses are late, and what one worker has in flight is old news
// to the other.
func TestABucketOfABusyMachine(t *testing.T) {
	for name, p := range map[string]provider{
		"a window, 4 at a time":                        {rate: 10, parallel: 4},
		"a window from the first request, 4 at a time": {rate: 10, parallel: 4, begun: true},
		"a window from the first request":              {rate: 10, begun: true},
		"a rolling limit, 4 at a time":                 {rate: 10, rolling: true, parallel: 4},
	} {
		t.Run(name, func(t *testing.T) {
			refused, worst, longest := 0, 0, 0.0
			const seeds = 50
			for seed := range uint64(seeds) {
				one := p
				if p.rolling {
					one.left = p.rate
				}
				s := &simulation{T: t, provider: &one, latency: second / 50, hold: second / 10, jitter: second / 8, random: rand.New(rand.NewPCG(seed, 1)), jobs: mixed(200)}
				s.run()
				refused, worst = refused+one.refused, max(worst, one.refused)
				longest = max(longest, float64(s.now-1_000_000_000_123)/float64(second))
			}
			t.Logf("%.1f refused on average, %d at most, %.1f s at most", float64(refused)/seeds, worst, longest)
			if worst > 10 {
				t.Errorf("%d requests were refused, at most 10 may be", worst)
			}
			if longest > 60 {
				t.Errorf("all took %.1f s", longest)
			}
		})
	}
}

// mixed returns n jobs: of four, three are of the background, and come before the others.
func mixed(n int) []*job {
	list := make([]*job, n)
	for i := range list {
		rank := chat.PriorityBackground.Rank()
		if i >= n*3/4 {
			rank = chat.PriorityNormal.Rank()
		}
		list[i] = &job{rank: rank}
	}
	return list
}

func TestBucketsOfManyProviders(t *testing.T) {
	for name, tc := range map[string]struct {
		provider
		hold    span
		refused int     // at most
		seconds float64 // at most
	}{
		"a window, 4 at a time":                      {provider{rate: 10, parallel: 4}, second / 5, 10, 26},
		"a rolling limit, 4 at a time":               {provider{rate: 10, rolling: true, parallel: 4}, second / 5, 10, 26},
		"a window":                                   {provider{rate: 10}, second / 5, 10, 26},
		"a rolling limit":                            {provider{rate: 10, rolling: true}, second / 5, 10, 26},
		"a rolling limit, long answers":              {provider{rate: 10, rolling: true}, 20 * second, 10, 48},
		"a window, long answers, 4 at a time":        {provider{rate: 10, parallel: 4}, 2 * second, 10, 140},
		"a rolling limit, long answers, 4 at a time": {provider{rate: 10, rolling: true, parallel: 4}, 2 * second, 10, 140},
		"many per second":                            {provider{rate: 500, rolling: true}, 5 * second, 10, 16},
		"silent, 4 at a time":                        {provider{rate: 1e6, silent: true, parallel: 4}, second / 5, 20, 26},
		"silent, a rolling limit":                    {provider{rate: 10, silent: true, rolling: true}, second / 5, 40, 60},
		"silent, a window":                           {provider{rate: 10, silent: true}, second / 5, 40, 60},
		"silent, a window, 4 at a time":              {provider{rate: 10, silent: true, parallel: 4}, second / 5, 40, 60},
	} {
		t.Run(name, func(t *testing.T) {
			p := tc.provider
			if p.rolling {
				p.left = p.rate
			}
			s := &simulation{T: t, provider: &p, latency: second / 20, hold: tc.hold, jobs: mixed(200)}
			s.run()
			begin, last, claims := s.jobs[0].done, instant(0), 0
			var interactive, background []instant
			for _, j := range s.jobs {
				begin, last = min(begin, j.done), max(last, j.done)
				claims += j.claims
				if j.rank == chat.PriorityBackground.Rank() {
					background = append(background, j.done)
				} else {
					interactive = append(interactive, j.done)
				}
			}
			took := float64(last-1_000_000_000_123) / float64(second)
			slices.Sort(interactive)
			slices.Sort(background)
			before := 0
			for _, at := range background {
				if at < interactive[len(interactive)-1] {
					before++
				}
			}
			t.Logf("%d refused, %.1f s, %d claims, %d of the background before the last other one; %+v", p.refused, took, claims, before, s.bucket.Parallel)
			if p.refused > tc.refused {
				t.Errorf("%d requests were refused, at most %d may be", p.refused, tc.refused)
			}
			if took > tc.seconds {
				t.Errorf("all took %.1f s, at most %.0f may pass", took, tc.seconds)
			}
			if before > 30 {
				t.Errorf("%d requests of the background went before the others", before)
			}
		})
	}
}
