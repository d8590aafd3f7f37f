package chunklog

import (
	"testing"
	"time"
)

func TestOnlyACrowdThatIsLateIsSlowedDown(t *testing.T) {
	for name, tc := range map[string]struct {
		writers int
		took    time.Duration
		least   time.Duration
		most    time.Duration
	}{
		"few and slow":        {minStreams - 1, time.Second, 0, 0},
		"a crowd in time":     {minStreams, lagTarget, 0, 0},
		"a crowd behind":      {minStreams, 2 * lagTarget, 3 * lagTarget, 4 * lagTarget},
		"a crowd far behind":  {minStreams, time.Second, maxReadDelay, maxReadDelay},
		"a crowd out of time": {maxTogether, time.Hour, maxReadDelay, maxReadDelay},
	} {
		var p batcher
		for range 50 {
			p.recordLag(tc.writers, tc.took)
		}
		if got := p.pause(); got < tc.least || got > tc.most {
			t.Errorf("%s: a pause of %s, want %s to %s", name, got, tc.least, tc.most)
		}
		for range 50 {
			p.recordLag(1, time.Second)
		}
		if got := p.pause(); tc.took < time.Hour && got != 0 {
			t.Errorf("%s, and then few: still a pause of %s", name, got)
		}
	}
}
