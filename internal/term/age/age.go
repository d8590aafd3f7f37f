// Package age says how long ago something was.
package age

import (
	"fmt"
	"time"
)

// Of formats a duration for people in one unit, rounded down, in at most six
// characters, such as "5 min".
func Of(d time.Duration) string {
	const day = 24 * time.Hour
	for _, unit := range []struct {
		below time.Duration
		of    time.Duration
		name  string
	}{
		{time.Minute, time.Second, "s"}, {time.Hour, time.Minute, "min"}, {2 * day, time.Hour, "h"}, {60 * day, day, "d"}, {2 * 365 * day, 30 * day, "mo"},
	} {
		if d < unit.below {
			return fmt.Sprintf("%d %s", max(d, 0)/unit.of, unit.name)
		}
	}
	return fmt.Sprintf("%d y", d/(365*day))
}
