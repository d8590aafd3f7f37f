package openai_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"chat"
)

// The next try is not made earlier than the provider asks, wherever it says so.
func TestDelaysAreFoundWhereverTheyAreSaid(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	later := now.Add(90 * time.Second)
	h := func(pairs ...string) http.Header {
		out := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			out.Set(pairs[i], pairs[i+1])
		}
		return out
	}
	said := func(s string) string { return `{"error":{"message":"` + s + `","type":"rate_limit_error"}}` }
	const about = time.Second // of what is given as a time, in whole seconds
	for name, tc := range map[string]struct {
		header http.Header
		body   string
		want   time.Duration
		within time.Duration
	}{
		"seconds":                    {h("Retry-After", "7"), "", 7 * time.Second, 0},
		"part of a second":           {h("Retry-After", "0.5"), "", 500 * time.Millisecond, 0},
		"white space":                {h("Retry-After", " 7 "), "", 7 * time.Second, 0},
		"with a unit":                {h("Retry-After", "7s"), "", 7 * time.Second, 0},
		"a date":                     {h("Retry-After", later.Format(http.TimeFormat)), "", 90 * time.Second, about},
		"a date of RFC 850":          {h("Retry-After", later.Format(time.RFC850)), "", 90 * time.Second, about},
		"a date of C":                {h("Retry-After", later.Format(time.ANSIC)), "", 90 * time.Second, about},
		"a date by another clock":    {h("Retry-After", "Mon, 01 Jan 2001 00:01:00 GMT", "Date", "Mon, 01 Jan 2001 00:00:00 GMT"), "", time.Minute, 0},
		"milliseconds":               {h("Retry-After-Ms", "1500"), "", 1500 * time.Millisecond, 0},
		"both, the longer one":       {h("Retry-After-Ms", "1500", "Retry-After", "2"), "", 2 * time.Second, 0},
		"Azure's milliseconds":       {h("X-Ms-Retry-After-Ms", "2500"), "", 2500 * time.Millisecond, 0},
		"OpenAI, exhausted requests": {h("X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "1m0.5s", "X-Ratelimit-Remaining-Tokens", "500", "X-Ratelimit-Reset-Tokens", "6m0s"), "", 60500 * time.Millisecond, 0},
		"OpenAI, exhausted tokens":   {h("X-Ratelimit-Remaining-Requests", "9", "X-Ratelimit-Reset-Requests", "1h", "X-Ratelimit-Remaining-Tokens", "0", "X-Ratelimit-Reset-Tokens", "1.2s"), "", 1200 * time.Millisecond, 0},
		"only a reset":               {h("X-Ratelimit-Reset-Tokens", "20ms"), "", 20 * time.Millisecond, 0},
		"a reset in seconds":         {h("X-Ratelimit-Reset", "30"), "", 30 * time.Second, 0},
		"a reset since 1970":         {h("X-Ratelimit-Reset", strconv.FormatInt(later.Unix(), 10)), "", 90 * time.Second, about},
		"a reset in milliseconds":    {h("X-Ratelimit-Reset", strconv.FormatInt(later.UnixMilli(), 10)), "", 90 * time.Second, about},
		"another spelling":           {h("X-Rate-Limit-Reset", "30"), "", 30 * time.Second, 0},
		"the draft":                  {h("Ratelimit-Reset", "50"), "", 50 * time.Second, 0},
		"the draft, one field":       {h("Ratelimit", "limit=100, remaining=0, reset=50"), "", 50 * time.Second, 0},
		"the draft, newer":           {h("Ratelimit", `"default";r=0;t=50`), "", 50 * time.Second, 0},
		"Anthropic":                  {h("Anthropic-Ratelimit-Requests-Remaining", "0", "Anthropic-Ratelimit-Requests-Reset", later.Format(time.RFC3339), "Anthropic-Ratelimit-Tokens-Remaining", "9", "Anthropic-Ratelimit-Tokens-Reset", now.Format(time.RFC3339)), "", 90 * time.Second, about},
		"Cerebras":                   {h("X-Ratelimit-Remaining-Tokens-Minute", "0", "X-Ratelimit-Reset-Tokens-Minute", "11.38"), "", 11380 * time.Millisecond, 0},
		"a header before a reset":    {h("Retry-After", "3", "X-Ratelimit-Reset-Requests", "1h"), "", 3 * time.Second, 0},
		"text":                       {nil, said("Quota exceeded. Please retry in 16.6s."), 16600 * time.Millisecond, 0},
		"text after a header":        {h("Retry-After", "3"), said("Please retry in 16.6s."), 16600 * time.Millisecond, 0},
		"minutes and seconds":        {nil, said("Rate limit reached. Please try again in 1m2.5s. Visit https://x."), 62500 * time.Millisecond, 0},
		"milliseconds in text":       {nil, said("Please try again in 20ms."), 20 * time.Millisecond, 0},
		"words":                      {nil, said("Please retry after 30 seconds."), 30 * time.Second, 0},
		"two words":                  {nil, said("Try again in 1 minute and 10 seconds"), 70 * time.Second, 0},
		"wait":                       {nil, said("Rate limit of 1 per 60s exceeded. Please wait 45 seconds before retrying."), 45 * time.Second, 0},
		"no unit":                    {nil, said("Too many requests, retry_after: 12"), 12 * time.Second, 0},
		"available":                  {nil, said("The model will be available again in 40 sec"), 40 * time.Second, 0},
		"resets in":                  {nil, said("Limit reached; it resets in 55s"), 55 * time.Second, 0},
		"resets at":                  {nil, said("Crossed TPM limit. Limit resets at: " + later.Format("2006-01-02 15:04:05") + " UTC"), 90 * time.Second, about},
		"resets at, RFC 3339":        {nil, said("Limit resets at " + later.Format(time.RFC3339)), 90 * time.Second, about},
		"Gemini":                     {nil, `[{"error":{"code":429,"message":"Resource exhausted","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}]}}]`, 34 * time.Second, 0},
		"Gemini, exact":              {nil, `{"error":{"code":429,"message":"x y","details":[{"retryDelay":"34.074824224s"}]}}`, 34074824224 * time.Nanosecond, time.Microsecond},
		"a field":                    {nil, `{"message":"You are being rate limited.","retry_after":1.5}`, 1500 * time.Millisecond, 0},
		"a field, text":              {nil, `{"error":{"message":"slow down please","retryAfter":"12"}}`, 12 * time.Second, 0},
		"a field, milliseconds":      {nil, `{"error":{"message":"slow down please","retry_after_ms":1200}}`, 1200 * time.Millisecond, 0},
		"OpenRouter":                 {nil, `{"error":{"message":"Rate limit exceeded: free-models-per-min. ","code":429,"metadata":{"headers":{"X-RateLimit-Limit":"20","X-RateLimit-Remaining":"0","X-RateLimit-Reset":"` + strconv.FormatInt(later.UnixMilli(), 10) + `"}}}}`, 90 * time.Second, about},
		"pasted":                     {nil, said(`litellm.RateLimitError: {\"error\":{\"message\":\"Please try again in 9s\"}}`), 9 * time.Second, 0},
		"nothing":                    {nil, said("Rate limit exceeded"), 0, 0},
		"in the past":                {h("Retry-After", "Mon, 01 Jan 2001 00:00:00 GMT"), "", 0, 0},
		"nonsense":                   {h("Retry-After", "soon", "X-Ratelimit-Reset", "later"), said("try again with fewer than 5 messages or 3 documents"), 0, 0},
		"negative":                   {h("Retry-After", "-3"), "", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := time.Now()
			e := refused(t, 429, tc.header, tc.body)
			if tc.within == about { // counted from this request, which took its own time
				tc.want, tc.within = max(0, later.Sub(asked)), about+time.Since(asked) // it is past on a slow machine
			}
			if e.Code != chat.CodeProviderRateLimit || !e.Retryable {
				t.Fatalf("%s, retryable %v: %s", e.Code, e.Retryable, e.Message)
			}
			if d := tc.want - e.RetryAfter; d < 0 && tc.within == 0 || d > tc.within || d < -tc.within {
				t.Errorf("waits %s, want %s: %s", e.RetryAfter, tc.want, e.Message)
			}
			if strings.Contains(e.Message, "asks to wait") != (tc.want > 0) {
				t.Errorf("%s", e.Message)
			}
		})
	}
}

// A delay beyond what is waited for ends the task, and is said in words.
func TestALongDelayEndsTheTask(t *testing.T) {
	t.Parallel()
	for value, words := range map[string]string{
		"43200": "asks to wait 12h:", "121": "asks to wait 2m1s", "5400": "asks to wait 1h30m", "86400": "asks to wait 24h", "259200": "asks to wait 3d", "999999999999999999999999": "asks to wait 400d", "120.5": "asks to wait 2m1s",
		"Fri, 31 Dec 2999 23:59:59 GMT": "asks to wait 400d",
	} {
		for status, code := range map[int]chat.Code{429: chat.CodeProviderRateLimit, 503: chat.CodeProviderServer, 529: chat.CodeProviderServer} {
			e := refused(t, status, http.Header{"Retry-After": {value}}, `{"error":{"message":"slow down"}}`)
			if e.Code != code || e.Retryable || !strings.Contains(e.Message, words) {
				t.Errorf("%d %s: %s, retryable %v: %s", status, value, e.Code, e.Retryable, e.Message)
			}
		}
	}
	e := refused(t, 429, nil, `{"error":{"message":"Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 40000 seconds before retrying."}}`)
	if e.Retryable || !strings.Contains(e.Message, "asks to wait 11h6m40s") {
		t.Error(e.Message)
	}
	if e := refused(t, 429, http.Header{"Retry-After": {"120"}}, ""); !e.Retryable || e.RetryAfter != 2*time.Minute {
		t.Errorf("%s: %s", e.RetryAfter, e.Message)
	}
}
