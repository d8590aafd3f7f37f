package ratelimit

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"chat/daemon/model/apierror"
)

// Reading is what a response says of one limit: how much is allowed, how much is left, and when
// all of it is available again.
type Reading struct {
	Limit, Left float64       // Limit is 0 if the response does not say
	Reset       time.Duration // 0 if the response does not say
}

// The names of limits. A server has any of them.
const (
	requests     = "requests"
	tokens       = "tokens"
	inputTokens  = "input-tokens"
	outputTokens = "output-tokens"
)

func limitNames() []string { return []string{requests, tokens, inputTokens, outputTokens} }

// ReadHeader returns what the headers of a response say of its limits, by name; nil if they say
// nothing. It knows OpenAI's headers, x-ratelimit-remaining-requests with a reset such as 6m0s,
// and Anthropic's, anthropic-ratelimit-requests-remaining with a reset in RFC 3339. A negative
// number, or no limit and no reset, is unknown: Azure sends -1 and 0.
func ReadHeader(h http.Header, now time.Time) map[string]Reading {
	var found map[string]Reading
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date // times are by the provider's own clock
	}
	for _, name := range limitNames() {
		for _, of := range [...]func(field string) string{
			func(field string) string { return h.Get("X-Ratelimit-" + field + "-" + name) },
			func(field string) string { return h.Get("Anthropic-Ratelimit-" + name + "-" + field) },
		} {
			r, ok := read(of, now)
			if !ok {
				continue
			}
			if found == nil {
				found = map[string]Reading{}
			}
			found[name] = r
		}
	}
	return found
}

func read(of func(field string) string, now time.Time) (Reading, bool) {
	left, ok := number(of("Remaining"))
	if !ok {
		return Reading{}, false
	}
	limit, _ := number(of("Limit")) // 0 if it is unknown
	r := Reading{Limit: limit, Left: left, Reset: apierror.Delay(of("Reset"), now)}
	if r.Limit <= 0 && r.Reset <= 0 {
		return Reading{}, false
	}
	r.Limit = max(r.Limit, r.Left)
	return r, r.Limit > 0
}

// number reads a count, which is not negative.
func number(s string) (float64, bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return n, err == nil && n >= 0 && n < 1e15
}
