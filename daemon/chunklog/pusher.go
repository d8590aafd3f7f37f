package chunklog

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/redis/go-redis/v9"
)

// maxTogether bounds the steps of one round trip.
const maxTogether = 512

// pusher lets all streams share round trips, as a database commits in groups:
// while one is on its way, the steps that come meanwhile wait, and then go
// together. Under load batches grow, and what a step costs Redis and us shrinks.
type pusher struct {
	rdb  *redis.Client
	opts Options

	mu      sync.Mutex
	waiting []*push
	busy    bool // somebody sends
}

// push is one step that waits.
type push struct {
	step
	appended
	commands int // how many it took
	err      error
	// turn is told when the step has been made (false), or that it is this
	// step's writer who sends now (true). So nobody works for the others for
	// longer than one round trip.
	turn chan bool
}

// push makes a step. It may wait for a round trip of others and for its own, each
// bounded by the timeout.
func (p *pusher) push(ctx context.Context, s step) error {
	mine := &push{step: s, turn: make(chan bool, 1)}
	p.mu.Lock()
	p.waiting = append(p.waiting, mine)
	wait := p.busy
	p.busy = true
	p.mu.Unlock()
	if wait && !<-mine.turn {
		return mine.result()
	}
	p.mu.Lock()
	batch := p.waiting
	p.waiting = nil
	if len(batch) > maxTogether {
		batch, p.waiting = batch[:maxTogether:maxTogether], batch[maxTogether:]
	}
	p.mu.Unlock()
	p.send(ctx, batch)
	p.mu.Lock()
	if len(p.waiting) > 0 {
		p.waiting[0].turn <- true
	} else {
		p.busy = false
	}
	p.mu.Unlock()
	for _, other := range batch {
		if other != mine {
			other.turn <- false
		}
	}
	return mine.result()
}

// send makes the steps of a batch, in which the sender's own is the first.
func (p *pusher) send(ctx context.Context, batch []*push) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.opts.Timeout) // others wait for it, too
	defer cancel()
	pipe := p.rdb.Pipeline()
	if slices.ContainsFunc(batch, func(s *push) bool { return s.meta != nil }) {
		pipe = p.rdb.TxPipeline()
	}
	for _, s := range batch {
		before := pipe.Len()
		s.appended = s.put(ctx, pipe, p.opts)
		s.commands = pipe.Len() - before
	}
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return
	}
	_, told := errors.AsType[redis.Error](err) // by Redis, of single commands
	for _, s := range batch {
		for _, cmd := range cmds[:s.commands] {
			if err := cmd.Err(); !errors.Is(err, redis.Nil) { // of which check makes something
				s.err = errors.Join(s.err, err)
			}
		}
		cmds = cmds[s.commands:]
		if s.err == nil && !told {
			s.err = err
		}
	}
}

func (s *push) result() error {
	if s.err != nil {
		return s.err
	}
	return s.check(s.step)
}
