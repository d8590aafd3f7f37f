package foreign

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// fields has the fields of a JSON object of another program. Their types vary between
// versions, so that a field of an unexpected type counts as missing.
type fields map[string]any

// text returns the first of the keys that has a text or a number.
func (f fields) text(keys ...string) string {
	for _, key := range keys {
		switch v := f[key].(type) {
		case string:
			if v != "" {
				return v
			}
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return ""
}

func (f fields) object(key string) fields {
	v, _ := f[key].(map[string]any)
	return v
}

func (f fields) list(key string) []any {
	v, _ := f[key].([]any)
	return v
}

func (f fields) flag(key string) bool {
	switch v := f[key].(type) {
	case bool:
		return v
	case string:
		return v == "true"
	case float64:
		return v != 0
	}
	return false
}

// time returns the first of the keys that has a time: a date, or seconds, milliseconds
// or microseconds since 1970 as a number or a text.
func (f fields) time(keys ...string) time.Time {
	for _, key := range keys {
		var at time.Time
		switch v := f[key].(type) {
		case float64:
			at = sinceEpoch(v)
		case string:
			at = parseTime(v)
		}
		if !at.IsZero() {
			return at
		}
	}
	return time.Time{}
}

// The largest numbers that are read as seconds, milliseconds and microseconds.
const (
	maxSeconds = 1e11
	maxMillis  = 1e14
	maxMicros  = 1e17
)

func sinceEpoch(n float64) time.Time {
	switch {
	case math.IsNaN(n) || n <= 0 || n > maxMicros:
		return time.Time{}
	case n > maxMillis:
		n /= 1e6
	case n > maxSeconds:
		n /= 1e3
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(part*1e6)*1000).UTC()
}

func parseTime(text string) time.Time {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return sinceEpoch(n)
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", time.DateTime, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 && at.Year() < 10000 {
			return at.UTC().Truncate(time.Microsecond)
		}
	}
	return time.Time{}
}

// jsonProblem describes an error in a JSON text.
func jsonProblem(err error) string {
	syntax, typed, parsed := (*json.SyntaxError)(nil), (*json.UnmarshalTypeError)(nil), (*time.ParseError)(nil)
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("it is not valid JSON: %s at byte %d", strings.TrimPrefix(syntax.Error(), "json: "), syntax.Offset)
	case errors.As(err, &typed):
		found := typed.Value
		if kind, _, ok := strings.Cut(found, " "); ok {
			found = kind // "number 1.5"
		}
		where := "it"
		if typed.Field != "" {
			where = "its field " + strings.TrimPrefix(typed.Field, "Transcript.") // embedded
		}
		return fmt.Sprintf("%s is %s, but must be %s", where, jsonKind(found), kindWord(typed.Type))
	case errors.As(err, &parsed):
		return fmt.Sprintf("it has the invalid time %s; a time must be like \"2026-01-02T15:04:05Z\"", strconv.Quote(strings.Trim(parsed.Value, `"`)))
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// jsonKind returns a kind of JSON value with its article.
func jsonKind(name string) string {
	switch name {
	case "string":
		return "a text"
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	}
	return "a " + name
}

// kindOf returns the kind of a decoded JSON value.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return jsonKind("string")
	case bool:
		return jsonKind("bool")
	case float64:
		return jsonKind("number")
	case []any:
		return jsonKind("array")
	}
	return jsonKind("object")
}

func kindWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return jsonKind("string")
	case reflect.Slice, reflect.Array:
		return jsonKind("array")
	case reflect.Bool:
		return jsonKind("bool")
	case reflect.Struct, reflect.Map, reflect.Pointer, reflect.Interface:
		return jsonKind("object")
	default:
		return jsonKind("number")
	}
}
