// Package poll waits in tests for what announces itself to nobody: what another process
// has written, or a screen shows.
package poll

import "time"

// interval is how often a condition is looked at.
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

// Pause lets time pass where that is the point: for a peer that is slow, or a duration
// that is measured. A test that waits for something uses Until.
func Pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
