package chunklog

import (
	"testing"
	"time"
)

func TestOnlyManyLateStreamsAreDelayed(t *testing.T) {
	for name, tc := range map[string]struct {
		writers  int
		took     time.Duration
		min, max time.Duration
	}{
		"few and slow":       {minStreams - 1, time.Second, 0, 0},
		"many in time":       {minStreams, lagTarget, 0, 0},
		"many and late":      {minStreams, 2 * lagTarget, 3 * lagTarget, 4 * lagTarget},
		"many and very late": {minStreams, time.Second, maxReadDelay, maxReadDelay},
		"a full batch":       {maxBatch, time.Hour, maxReadDelay, maxReadDelay},
	} {
		var b batcher
		for range 50 {
			b.recordLag(tc.writers, tc.took)
		}
		if got := b.readDelay(); got < tc.min || got > tc.max {
			t.Errorf("%s: a delay of %s, want %s to %s", name, got, tc.min, tc.max)
		}
		for range 50 {
			b.recordLag(1, time.Second)
		}
		if got := b.readDelay(); tc.took < time.Hour && got != 0 {
			t.Errorf("%s, and then few: still a delay of %s", name, got)
		}
	}
}
