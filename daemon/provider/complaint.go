package provider

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sashabaranov/go-openai"

	"chat"
)

// maxComplaint bounds what is quoted of a provider's words, in characters.
const maxComplaint = 300

// maxModelID bounds the name of a model, in characters.
const maxModelID = 200

// readComplaint reads an error body of any shape: OpenAI's, {"error":"…"},
// {"message":"…"}, {"detail":…} as FastAPI has it, arrays of those, a web page, plain text.
func (e *endpoint) readComplaint(body []byte) *openai.APIError {
	out := new(openai.APIError)
	var v any
	if json.Unmarshal(body, &v) == nil {
		out.Message = findMessage(v, 0)
		out.Type, out.Code = findKind(v, 0)
	} else if title := pageTitle(body); title != "" {
		out.Message = title
	} else if !strings.HasPrefix(strings.TrimSpace(string(body)), "<") {
		out.Message = string(body)
	}
	out.Message = e.quotable(out.Message)
	return out
}

// maxNesting bounds the search in an error body.
const maxNesting = 6

// findMessage is the first sentence in v, in the order of what is most telling.
func findMessage(v any, depth int) string {
	if depth > maxNesting {
		return ""
	}
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for _, item := range v {
			if s := findMessage(item, depth+1); s != "" {
				return s
			}
		}
	case map[string]any:
		for _, name := range []string{"error", "message", "detail", "details", "errors", "msg", "error_msg", "error_description", "reason", "title"} {
			if s := findMessage(v[name], depth+1); s != "" {
				return s
			}
		}
	}
	return ""
}

// findKind is the type and the code of the innermost error object. The code is
// an int or a string.
func findKind(v any, depth int) (typ string, code any) {
	if depth > maxNesting {
		return "", nil
	}
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			return findKind(v[0], depth+1)
		}
	case map[string]any:
		switch inner := v["error"].(type) {
		case map[string]any, []any:
			return findKind(inner, depth+1)
		}
		typ, _ = v["type"].(string)
		switch c := v["code"].(type) {
		case string:
			code = c
			if n, err := strconv.Atoi(c); err == nil {
				code = n
			}
		case float64:
			code = int(c)
		}
	}
	return typ, code
}

var title = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)

func pageTitle(page []byte) string {
	if m := title.FindSubmatch(page); m != nil {
		return string(m[1])
	}
	return ""
}

// quotable is s for a message to a user: on one line, short, without control
// characters and without the endpoint's key.
func (e *endpoint) quotable(s string) string {
	// Cleaned first: a key with a zero-width space in it is still the key.
	return clean(e.withoutKey(clean(e.withoutKey(s), maxErrorBody)), maxComplaint)
}

// minSecret is the length from which a key is one; local servers take any word.
const minSecret = 4

func (e *endpoint) withoutKey(s string) string {
	if len(e.key) < minSecret {
		return s
	}
	return strings.ReplaceAll(s, e.key, "(the key)")
}

// clean puts s on one line of at most limit characters, without control and
// formatting characters.
func clean(s string, limit int) string {
	if len(s) > 16*limit {
		s = s[:16*limit]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, chat.NormalizeText(s))
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > limit {
		s = strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return s
}

// redacted is err's text without the key, as an error for logs.
func (e *endpoint) redacted(err error) error {
	if text := e.withoutKey(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// maxRetryAfter is the longest wait that a provider may ask for.
const maxRetryAfter = 2 * time.Minute

// retryAfter is how long the provider asks to wait (RFC 9110, section 10.2.3:
// seconds or a date), at most maxRetryAfter; 0 if it does not say. Dates are
// taken by the provider's own clock where it shows it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return wait(ms / 1000)
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseFloat(value, 64); s > 0 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		return wait(s)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		now = date
	}
	return wait(at.Sub(now).Seconds())
}

func wait(seconds float64) time.Duration {
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
}
