// Package poll lets tests wait for conditions that send no signal: data that
// another process has written, or the contents of a screen.
package poll

import "time"

// interval is the time between two checks of a condition.
const interval = 5 * time.Millisecond

// Until waits until ok holds, and reports whether it did within limit.
func Until(limit time.Duration, ok func() bool) bool {
	deadline := time.Now().Add(limit)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		<-ticker.C
	}
	return true
}

// Pause waits for d, for a peer that must be slow or a duration that is measured. A
// test that waits for a condition uses Until.
func Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
