package completion

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"chat"
)

// Kind is the kind of an event without choices.
type Kind int

const (
	Harmless Kind = iota // a keep-alive, usage, or metadata of the request
	Failure              // the server says that it cannot go on
	Unknown              // it may be anything
	Broken               // no JSON object
)

// Classify returns the kind of an event without choices. Servers and the gateways before
// them have as many forms of failures as there are frameworks.
func Classify(data []byte) Kind {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		switch {
		case data[0] == '{' || data[0] == '"' || data[0] == '[' && !isTagged(data):
			return Broken
		case isKeepAlive(string(data)):
			return Harmless
		}
		return Failure // words, where an event should be
	}
	switch v := v.(type) {
	case string:
		if v == "" || isKeepAlive(v) {
			return Harmless
		}
		return Failure
	case []any:
		for _, item := range v {
			if fields, ok := item.(map[string]any); ok && readFields(fields) == Failure {
				return Failure
			}
		}
		return Broken
	case map[string]any:
		return readFields(v)
	}
	return Harmless
}

// isTagged reports whether data begins like "[ERROR] words".
func isTagged(data []byte) bool { return len(data) > 1 && data[1] >= 'A' && data[1] <= 'Z' }

// isKeepAlive reports whether s is a word that only keeps a connection open.
func isKeepAlive(s string) bool {
	return slices.Contains([]string{"ping", "pong", "keepalive", "heartbeat", "ok", "done", "start", "end"}, plainWord(s))
}

// plainWord is s in lower case, with its letters and digits only.
func plainWord(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
}

func readFields(fields map[string]any) Kind {
	named := make(map[string]any, len(fields))
	for key, value := range fields {
		named[plainWord(key)] = value
	}
	for _, name := range []string{"object", "type", "status", "event", "state"} {
		if s, ok := named[name].(string); ok && SaysFailure(s) {
			return Failure
		}
	}
	for _, name := range []string{"error", "errors", "detail", "exception", "errormessage", "errormsg", "errmsg", "fault"} {
		if says(named[name]) {
			return Failure
		}
	}
	code, words := codeIn(named), saysWords(named["message"]) || saysWords(named["msg"])
	switch {
	case says(named["errorcode"]) || says(named["errcode"]) || named["success"] == false || named["ok"] == false:
		return Failure
	case code == codeOfFailure:
		return Failure
	case code != codeOfSuccess && words && named["choices"] == nil:
		return Failure
	}
	for _, name := range []string{"type", "event"} {
		if word, ok := named[name].(string); ok && isKeepAlive(word) {
			return Harmless
		}
	}
	for key, value := range named {
		if says(value) && !slices.Contains(harmlessFields(), key) {
			return Unknown
		}
	}
	return Harmless
}

// harmlessFields are the fields of chunks and of metadata beside them.
func harmlessFields() []string {
	return []string{
		"id", "object", "created", "createdat", "model", "choices", "usage", "systemfingerprint", "servicetier", "provider", "obfuscation",
		"promptfilterresults", "promptannotations", "contentfilterresults", "contentfilteroffsets", "citations", "searchresults",
		"images", "relatedquestions", "timings", "xgroq", "nvext", "metadata", "requestid", "logprobs", "code", "status", "success",
		"promptlogprobs", "prompttokenids", "kvtransferparams", "sources", "amazonbedrockinvocationmetrics", "amazonbedrocktrace",
		"error", "errors", "errorcode", "warnings",
	}
}

func SaysFailure(s string) bool {
	word := plainWord(s)
	return strings.Contains(word, "error") || strings.Contains(word, "exception") || strings.HasPrefix(word, "fail") ||
		word == "aborted" || word == "cancelled" || word == "canceled"
}

// says reports whether v is present and not an empty value.
func says(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != "" && v != "0" && !strings.EqualFold(v, "none") && !strings.EqualFold(v, "null")
	case float64:
		return v != 0
	case []any:
		return slices.ContainsFunc(v, says)
	case map[string]any:
		for _, inner := range v {
			if says(inner) {
				return true
			}
		}
	}
	return false
}

func saysWords(v any) bool {
	s, ok := v.(string)
	return ok && s != ""
}

type codeKind int

const (
	codeMissing codeKind = iota
	codeOfSuccess
	codeOfFailure
)

// codeIn returns what the code in an event says.
func codeIn(named map[string]any) codeKind {
	found := codeMissing
	for _, name := range []string{"statuscode", "code", "status", "httpstatus", "httpcode"} {
		switch v := named[name].(type) {
		case float64:
			if v != 0 && (v < 200 || v > 299) {
				return codeOfFailure
			}
			found = codeOfSuccess
		case string:
			n, err := strconv.Atoi(v)
			switch {
			case err == nil && n != 0 && (n < 200 || n > 299):
				return codeOfFailure
			case err == nil || isKeepAlive(v) || plainWord(v) == "success":
				found = codeOfSuccess
			}
		}
	}
	return found
}

// StatusIn returns the HTTP status that an event names, 0 if it names none.
func StatusIn(data []byte) int {
	var v map[string]any
	if json.Unmarshal(data, &v) != nil {
		return 0
	}
	for _, fields := range []any{v, v["error"]} {
		inner, _ := fields.(map[string]any)
		for key, value := range inner {
			if !slices.Contains([]string{"status", "statuscode", "code", "httpstatus", "httpcode", "errorcode"}, plainWord(key)) {
				continue
			}
			n, ok := value.(float64)
			if s, isString := value.(string); isString {
				parsed, err := strconv.Atoi(s)
				n, ok = float64(parsed), err == nil
			}
			if ok && n >= 400 && n < 600 {
				return int(n)
			}
		}
	}
	return 0
}

// Failure returns the error in f, which was decoded from raw, or nil.
func (f *Frame) Failure(raw json.RawMessage) json.RawMessage {
	if Present(f.Error) {
		return raw
	}
	for i := range f.Choices {
		c := &f.Choices[i]
		if Present(c.Error) {
			return c.Error
		}
		if c.Reason != "" && chat.EndingOf(string(c.Reason)) == chat.EndingFailure {
			said, err := json.Marshal("the finish reason is " + string(c.Reason))
			if err == nil {
				return said
			}
		}
	}
	return nil
}

// Present reports whether raw is a value and not an empty one.
func Present(raw json.RawMessage) bool {
	if len(bytes.TrimSpace(raw)) == 0 {
		return false
	}
	var v any
	return json.Unmarshal(raw, &v) == nil && says(v)
}
