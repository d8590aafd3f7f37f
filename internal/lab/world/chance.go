package world

import (
	"context"
	"math/rand/v2"
	"time"
)

// Chance is a source of random decisions that a seed repeats.
type Chance struct{ *rand.Rand }

// Between is a duration in [a, b).
func (c Chance) Between(a, b time.Duration) time.Duration {
	return a + time.Duration(c.Int64N(int64(b-a)))
}

// Often is true with probability p.
func (c Chance) Often(p float64) bool { return c.Float64() < p }

// Seeded is the source of chance number n of a run.
func Seeded(seed uint64, n uint64) Chance { return Chance{rand.New(rand.NewPCG(seed, n))} }

// Pause waits for d, or until ctx ends.
func Pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
