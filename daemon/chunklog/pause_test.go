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
		"few and slow":        {crowd - 1, time.Second, 0, 0},
		"a crowd in time":     {crowd, tolerated, 0, 0},
		"a crowd behind":      {crowd, 2 * tolerated, 3 * tolerated, 4 * tolerated},
		"a crowd far behind":  {crowd, time.Second, longestPause, longestPause},
		"a crowd out of time": {maxTogether, time.Hour, longestPause, longestPause},
	} {
		var p pusher
		for range 50 {
			p.note(tc.writers, tc.took)
		}
		if got := p.pause(); got < tc.least || got > tc.most {
			t.Errorf("%s: a pause of %s, want %s to %s", name, got, tc.least, tc.most)
		}
		for range 50 {
			p.note(1, time.Second)
		}
		if got := p.pause(); tc.took < time.Hour && got != 0 {
			t.Errorf("%s, and then few: still a pause of %s", name, got)
		}
	}
}
