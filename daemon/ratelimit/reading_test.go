package ratelimit

import (
	"maps"
	"net/http"
	"testing"
	"time"
)

func TestReadHeader(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		header map[string]string
		want   map[string]Reading
	}{
		"none": {map[string]string{"Content-Type": "application/json"}, nil},
		"OpenAI": {map[string]string{
			"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499", "x-ratelimit-reset-requests": "120ms",
			"x-ratelimit-limit-tokens": "30000", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
		}, map[string]Reading{requests: {500, 499, 120 * time.Millisecond}, tokens: {30000, 0, 6 * time.Minute}}},
		"Anthropic": {map[string]string{
			"anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49", "anthropic-ratelimit-requests-reset": "2026-11-30T12:00:02Z",
			"anthropic-ratelimit-input-tokens-limit": "40000", "anthropic-ratelimit-input-tokens-remaining": "39000", "anthropic-ratelimit-input-tokens-reset": "2026-11-30T12:00:30Z",
			"anthropic-ratelimit-output-tokens-limit": "8000", "anthropic-ratelimit-output-tokens-remaining": "8000", "anthropic-ratelimit-output-tokens-reset": "2026-11-30T12:00:00Z",
		}, map[string]Reading{requests: {50, 49, 2 * time.Second}, inputTokens: {40000, 39000, 30 * time.Second}, outputTokens: {8000, 8000, 0}}},
		"the provider's clock": {map[string]string{
			"Date": "Mon, 30 Nov 2026 13:00:00 GMT", "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "2026-11-30T13:00:05Z",
		}, map[string]Reading{requests: {50, 0, 5 * time.Second}}},
		"Azure, unknown":  {map[string]string{"x-ratelimit-limit-requests": "-1", "x-ratelimit-remaining-requests": "-1", "x-ratelimit-reset-requests": "0"}, nil},
		"Azure, zero":     {map[string]string{"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}, nil},
		"no limit":        {map[string]string{"x-ratelimit-remaining-requests": "7", "x-ratelimit-reset-requests": "1s"}, map[string]Reading{requests: {7, 7, time.Second}}},
		"no reset":        {map[string]string{"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "7"}, map[string]Reading{requests: {10, 7, 0}}},
		"not a number":    {map[string]string{"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "some"}, nil},
		"more than there": {map[string]string{"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "12", "x-ratelimit-reset-tokens": "1s"}, map[string]Reading{tokens: {12, 12, time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for k, v := range tc.header {
				h.Set(k, v)
			}
			if got := ReadHeader(h, now); !maps.Equal(got, tc.want) {
				t.Errorf("read %+v, want %+v", got, tc.want)
			}
		})
	}
}
