package bench

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/keys"
)

// footprint measures memory: of a thousand running streams, of a thousand waiting
// readers, and of an ended stream in Redis.
func footprint(ctx context.Context, s *Site) ([]Figure, error) {
	ended, err := s.listBytes(ctx)
	if err != nil {
		return nil, err
	}
	const many = 1000
	base, _, err := s.spent()
	if err != nil {
		return nil, err
	}
	// The streams run, without readers, and say a token every second.
	urls, err := s.prepare(ctx, many)
	if err != nil {
		return nil, err
	}
	var task string
	for _, url := range urls {
		if task, err = s.submit(ctx, url, Script{Tokens: 1000, Pace: time.Second}); err != nil {
			return nil, err
		}
	}
	if err := pause(ctx, 3*time.Second); err != nil {
		return nil, err
	}
	running, _, err := s.spent()
	if err != nil {
		return nil, err
	}
	if err := s.withReaders(ctx, task, many); err != nil {
		return nil, err
	}
	reading, _, err := s.spent()
	if err != nil {
		return nil, err
	}
	figures := []Figure{
		{"a running stream", "KiB", float64(running.RSS-base.RSS) / many / 1024},
		{"an idle reader", "KiB", float64(reading.RSS-running.RSS) / many / 1024},
	}
	if ended > 0 {
		figures = append(figures, Figure{"Redis for a byte of an ended answer", "bytes", ended})
	}
	return figures, nil
}

// withReaders opens n readers of a task and returns when each has had a token;
// they stay until the site is closed.
func (s *Site) withReaders(ctx context.Context, task string, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	s.closers = append(s.closers, func() error { cancel(); work.Wait(); return nil })
	errs := make(chan error, n)
	for range n {
		r := &Reading{began: make(chan struct{})}
		work.Go(func() {
			if err := s.follow(ctx, r, task); ctx.Err() == nil {
				errs <- errors.Join(errors.New("a reader ended early"), err)
			}
		})
		select {
		case <-r.began:
		case err := <-errs:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return pause(ctx, 2*time.Second)
}

// listBytes returns the memory in Redis per byte of an ended answer; 0 if there is
// no Redis.
func (s *Site) listBytes(ctx context.Context) (float64, error) {
	if s.rdb == nil {
		return 0, nil
	}
	const count = 2000
	urls, err := s.prepare(ctx, 1)
	if err != nil {
		return 0, err
	}
	task, err := s.submit(ctx, urls[0], Script{Tokens: count, Words: true})
	if err != nil {
		return 0, err
	}
	if err := s.follow(ctx, &Reading{}, task); err != nil {
		return 0, err
	}
	if err := pause(ctx, 3*time.Second); err != nil { // late compaction has ended by now
		return 0, err
	}
	answer := len(strings.Join(words, "")) * count / len(words)
	held := int64(0)
	for _, key := range []string{floorKey(task), keys.Names{}.Chunks(task), keys.Names{}.Packed(task), keys.Names{}.Metadata(task)} {
		n, err := s.rdb.MemoryUsage(ctx, key, 0).Result()
		if err != nil && !errors.Is(err, redis.Nil) { // the key is not there
			return 0, err
		}
		held += n
	}
	return float64(held) / float64(answer), nil
}

// start starts the target repeatedly.
func start(ctx context.Context, s *Site) ([]Figure, error) {
	all := []time.Duration{s.started}
	for _, t := range Targets() {
		if t.Name != s.Target {
			continue
		}
		for range 4 {
			again, err := t.Open(ctx, s.programs, s.provider)
			if err != nil {
				return nil, err
			}
			all = append(all, again.started)
			if err := again.Close(); err != nil {
				return nil, err
			}
		}
	}
	return []Figure{{"ready after", "ms", ms(median(all))}}, nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return quantile(all, 0.5)
}
