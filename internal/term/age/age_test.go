package age

import (
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 s", 0: "0 s", 999 * time.Millisecond: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", time.Hour - 1: "59 min",
		time.Hour: "1 h", 2*day - 1: "47 h", 2 * day: "2 d", 60*day - 1: "59 d", 60 * day: "2 mo", 2*365*day - 1: "24 mo", 2 * 365 * day: "2 y", 57 * 365 * day: "57 y",
	} {
		if got := Of(d); got != want || len(got) > 6 {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
