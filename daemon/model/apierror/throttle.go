package apierror

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chat/internal/lazyregexp"
)

// MaxRetryAfter is the longest wait that is honoured. A longer one ends the task.
const MaxRetryAfter = 2 * time.Minute

// longestDelay bounds every delay.
const longestDelay = 400 * 24 * time.Hour

// RetryDelay returns how long the provider asks to wait, 0 if it does not say. Of several
// delays the longest counts. If there is none, the reset of an exhausted limit counts.
func RetryDelay(h http.Header, said *Error, exhausted bool, now time.Time) time.Duration {
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // dates are by the provider's own clock
	}
	asked := said.Delay
	for _, name := range []string{"Retry-After-Ms", "X-Ms-Retry-After-Ms"} {
		if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get(name)), 64); err == nil {
			asked = max(asked, seconds(ms/1000))
		}
	}
	for _, name := range []string{"Retry-After", "X-Retry-After", "X-Ratelimit-Reset-After"} {
		asked = max(asked, Delay(h.Get(name), now))
	}
	if asked > 0 || !exhausted {
		return asked
	}
	return resetDelay(h, now)
}

// resetDelay returns the time until the reset of the limit that is exhausted, or nearest to
// it: x-ratelimit-reset-tokens with x-ratelimit-remaining-tokens, and so on.
func resetDelay(h http.Header, now time.Time) time.Duration {
	type bucket struct {
		left  float64
		delay time.Duration
	}
	var worst *bucket
	for name, values := range h {
		lower := strings.ToLower(name)
		if !strings.Contains(strings.ReplaceAll(lower, "-", ""), "ratelimit") || len(values) == 0 {
			continue
		}
		var b bucket
		switch {
		case strings.Contains(lower, "reset"):
			b.delay = Delay(values[0], now)
			b.left, _ = strconv.ParseFloat(h.Get(strings.Replace(lower, "reset", "remaining", 1)), 64) // 0: unknown counts as nothing
		case lower == "ratelimit": // the draft's single field: limit=100, remaining=0, reset=50, or "a";r=0;t=50
			b.delay = Delay(parameter(values[0], "reset", "t"), now)
			b.left, _ = strconv.ParseFloat(parameter(values[0], "remaining", "r"), 64)
		}
		if b.delay > 0 && (worst == nil || b.left < worst.left || b.left == worst.left && b.delay > worst.delay) {
			worst = &b
		}
	}
	if worst == nil {
		return 0
	}
	return worst.delay
}

// parameter returns the value of the first parameter that has one of the names.
func parameter(value string, names ...string) string {
	for _, part := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ';' }) {
		if name, v, ok := strings.Cut(strings.TrimSpace(part), "="); ok && (name == names[0] || name == names[1]) {
			return v
		}
	}
	return ""
}

// From these numbers on a delay is a time: seconds or milliseconds since 1970.
const (
	epochSeconds = 1e9
	epochMillis  = 1e11
)

// Delay reads a delay in any form that headers and fields use: seconds, 6m0s, a time
// since 1970, RFC 3339, RFC 9110 with its obsolete forms.
func Delay(value string, now time.Time) time.Duration {
	value = strings.Trim(strings.TrimSpace(value), `"`)
	if value == "" {
		return 0
	}
	n, err := strconv.ParseFloat(value, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		switch {
		case n >= epochMillis && n < 1e14:
			return max(0, time.UnixMilli(int64(n)).Sub(now))
		case n >= epochSeconds && n < epochMillis:
			return max(0, time.Unix(int64(n), 0).Sub(now))
		}
		return seconds(n)
	}
	if d, rest := span(value); d > 0 && rest == "" {
		return d
	}
	if at, ok := moment(value); ok {
		return max(0, min(at.Sub(now), longestDelay))
	}
	return 0
}

// moment reads a point in time.
func moment(value string) (time.Time, bool) {
	if at, err := http.ParseTime(value); err == nil {
		return at, true
	}
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", time.RFC1123Z, time.RFC1123,
	} {
		if at, err := time.Parse(layout, value); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

func seconds(n float64) time.Duration {
	if !(n > 0) {
		return 0
	}
	return time.Duration(min(n, longestDelay.Seconds()) * float64(time.Second))
}

var unit = lazyregexp.New(`^\s*(?:,|and\b)?\s*(\d+(?:\.\d+)?)\s*(milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)`)

// unitOf returns the length of a unit.
func unitOf(name string) time.Duration {
	switch {
	case strings.HasPrefix(name, "ms") || strings.HasPrefix(name, "milli"):
		return time.Millisecond
	case name[0] == 'm':
		return time.Minute
	case name[0] == 'h':
		return time.Hour
	case name[0] == 'd':
		return 24 * time.Hour
	}
	return time.Second
}

// span reads the duration at the beginning of s, such as 1m2.5s or 2 hours and 3 minutes,
// and returns the rest of s.
func span(s string) (time.Duration, string) {
	total := 0.0
	for {
		m := unit.FindStringSubmatch(strings.ToLower(s))
		if m == nil {
			break
		}
		rest := s[len(m[0]):]
		if rest != "" && (rest[0] >= 'a' && rest[0] <= 'z' || rest[0] >= 'A' && rest[0] <= 'Z') {
			break // a word that only begins like a unit
		}
		n, _ := strconv.ParseFloat(m[1], 64) // digits: it cannot fail but by its size
		total += n * unitOf(m[2]).Seconds()
		s = rest
	}
	return seconds(total), s
}

var (
	// asks introduces a delay in a sentence.
	asks = lazyregexp.New(`(?:re-?try|try (?:this |your )?(?:\w+ )?again|again|wait|waiting|resets?|reset|available|retry[-_ ]?after|retry[-_ ]?delay|cool-?down)\b[^0-9]{0,60}`)
	// plainSeconds is a delay without a unit.
	plainSeconds = lazyregexp.New(`^retry[-_ ]?after[^0-9]{0,12}$`)
	moments      = lazyregexp.New(`^(\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d(?:\.\d+)?(?: ?(?:z|utc|gmt|[+-]\d\d:?\d\d))?)`)
	numbers      = lazyregexp.New(`^\d+(?:\.\d+)?`)
)

// textDelay returns the longest delay in a sentence in lower case.
func textDelay(said string, now time.Time) time.Duration {
	var longest time.Duration
	for _, at := range asks.FindAllStringIndex(said, 20) {
		rest := said[at[1]:]
		if m := moments.FindString(rest); m != "" {
			longest = max(longest, Delay(strings.ToUpper(m), now))
		} else if d, _ := span(rest); d > 0 {
			longest = max(longest, d)
		} else if plainSeconds.MatchString(said[at[0]:at[1]]) {
			longest = max(longest, Delay(numbers.FindString(rest), now))
		}
	}
	return longest
}

// fieldDelay returns the delay in a field of an error body. name is its plain name.
func fieldDelay(name string, v any, now time.Time) time.Duration {
	text, ok := v.(string)
	if n, isNumber := v.(float64); isNumber {
		text, ok = strconv.FormatFloat(n, 'f', -1, 64), true
	}
	if !ok {
		return 0
	}
	switch name {
	case "retrydelay", "retryafter", "retryafterseconds", "retryaftersec", "retryin", "estimatedtime", "resetsinseconds", "resetinseconds",
		"resetsat", "resetat", "xratelimitreset", "ratelimitreset", "secondsuntilreset":
		return Delay(text, now)
	case "retryafterms", "retryaftermilliseconds", "retryinms":
		return Delay(text+"ms", now)
	}
	return 0
}

// FormatDelay formats a delay: 12h, 1m30s, 20ms.
func FormatDelay(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%dms", max(d.Milliseconds(), 1))
	}
	s := int64((d + time.Second - 1) / time.Second) // up: no try is made earlier
	out := ""
	for _, u := range []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}} {
		if n := s / u.size; n > 0 && (u.name != "d" || s >= 2*u.size) {
			out += strconv.FormatInt(n, 10) + u.name
			s -= n * u.size
		}
	}
	return cmp.Or(out, "0s")
}
