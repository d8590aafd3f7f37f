package lists

import (
	"fmt"
	"testing"
	"time"

	"chat"
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

func TestATaskSaysWhatItWaitsFor(t *testing.T) {
	wait := &chat.Wait{For: "the rate limit of work", Until: time.Date(2026, 3, 14, 12, 1, 0, 0, time.Local)}
	got := Task(chat.Task{State: chat.TaskQueued, Waiting: wait, Model: "work/large", CreatedAt: noon}, "Title", noon).Detail
	if want := "waiting for the rate limit of work, until 12:01:00 · work/large · now"; got != want {
		t.Errorf("the row says %q, want %q", got, want)
	}
}
