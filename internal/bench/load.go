package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// load is the work for a target.
type load struct {
	streams   int
	followers int // of each stream
	script    Script
	// every is the time between two messages; 0: all at the same time.
	every time.Duration
	// drop is the lifetime of a follower's connection before it reconnects; 0:
	// unlimited.
	drop time.Duration
	// format is the wire format of the followers; "" is the native one.
	format string
}

// outcome is the result of a load.
type outcome struct {
	readings []*Reading
	// The resources that the target's processes and Redis used while tokens were
	// sent at their pace.
	target, redis used
	before        used // the target, before the load
	idle          bool // no tokens were paced, so there is no such time
	from, to      time.Time
}

// settled is the time after the start of the pace, and before its end, that is not
// measured.
const settled = 500 * time.Millisecond

// run sends the load and reads all answers to their ends.
func (l load) run(ctx context.Context, s *Site) (*outcome, error) {
	urls, err := s.prepare(ctx, l.streams)
	if err != nil {
		return nil, err
	}
	o := &outcome{}
	if o.before, _, err = s.spent(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	if l.script.Start.IsZero() {
		o.idle = true
	} else {
		o.from = l.script.Start.Add(settled)
		o.to = l.script.Start.Add(time.Duration(l.script.Tokens)*l.script.Pace - settled)
		work.Go(func() {
			if err := o.watch(ctx, s); err != nil {
				cancel(err)
			}
		})
	}
	began := time.Now()
	for i, url := range urls {
		if err := pause(ctx, time.Until(began.Add(time.Duration(i)*l.every))); err != nil {
			break
		}
		readings := make([]*Reading, l.followers)
		for n := range readings {
			readings[n] = &Reading{}
		}
		o.readings = append(o.readings, readings...)
		work.Go(func() {
			if err := l.ask(ctx, s, url, readings); err != nil {
				cancel(err)
			}
		})
	}
	work.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for _, r := range o.readings {
		if r.Failed != nil {
			return nil, fmt.Errorf("an answer failed: %w", r.Failed)
		}
		r.Gaps += l.script.Tokens - r.next
	}
	return o, nil
}

// ask sends one message and follows its answer.
func (l load) ask(ctx context.Context, s *Site, url string, readings []*Reading) error {
	began := time.Now()
	task, err := s.submit(ctx, url, l.script)
	if err != nil {
		return err
	}
	var work sync.WaitGroup
	errs := make([]error, len(readings))
	for i, r := range readings {
		r.Began = began
		work.Go(func() { errs[i] = l.read(ctx, s, r, task) })
	}
	work.Wait()
	return errors.Join(errs...)
}

func (l load) read(ctx context.Context, s *Site, r *Reading, task string) error {
	switch {
	case l.format == socketFormat:
		return s.followSocket(ctx, r, task)
	case l.format == responsesFormat:
		return s.followResponse(ctx, r, task)
	case l.drop == 0:
		return s.follow(ctx, r, task)
	}
	for r.Ended.IsZero() && ctx.Err() == nil {
		dropping, cancel := context.WithTimeout(ctx, l.drop)
		err := s.follow(dropping, r, task)
		cancel()
		if err != nil && dropping.Err() == nil {
			return err
		}
	}
	return ctx.Err()
}

// watch measures the resources used from o.from to o.to.
func (o *outcome) watch(ctx context.Context, s *Site) error {
	if err := pause(ctx, time.Until(o.from)); err != nil {
		return err
	}
	target, redis, err := s.spent()
	if err != nil {
		return err
	}
	if err := pause(ctx, time.Until(o.to)); err != nil {
		return err
	}
	if o.target, o.redis, err = s.spent(); err != nil {
		return err
	}
	o.target.CPU -= target.CPU
	o.redis.CPU -= redis.CPU
	return nil
}

// latencies are the times of the tokens that were emitted between from and to, sorted.
func (o *outcome) latencies() []time.Duration {
	var all []time.Duration
	for _, r := range o.readings {
		for _, x := range r.samples {
			if o.idle || x.emitted >= o.from.UnixNano() && x.emitted < o.to.UnixNano() {
				all = append(all, x.took)
			}
		}
	}
	slices.Sort(all)
	return all
}

// faults counts failures that no load may cause.
func (o *outcome) faults() (n int) {
	for _, r := range o.readings {
		n += r.Gaps + r.Repeats + r.Resets
	}
	return n
}

// first are the times from sending a message to its first token, sorted.
func (o *outcome) first() []time.Duration {
	var all []time.Duration
	for _, r := range o.readings {
		all = append(all, r.First.Sub(r.Began))
	}
	slices.Sort(all)
	return all
}

// until is the time from the first message to the last end.
func (o *outcome) until() time.Duration {
	began, ended := o.readings[0].Began, time.Time{}
	for _, r := range o.readings {
		if r.Began.Before(began) {
			began = r.Began
		}
		if r.Ended.After(ended) {
			ended = r.Ended
		}
	}
	return ended.Sub(began)
}

// quantile of sorted values, by the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
