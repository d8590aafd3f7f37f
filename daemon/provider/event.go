package provider

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"chat"
)

// eventKind is what an event is that is not a piece of an answer.
type eventKind int

const (
	eventHarmless eventKind = iota // a sign of life, usage, or facts about the request
	eventFailure                   // the server says that it cannot go on
	eventUnknown                   // it may be anything
	eventBroken                    // no JSON object
)

// readEvent sorts an event without choices. Servers and the gateways before them
// have as many forms of failures as they have frameworks.
func readEvent(data []byte) eventKind {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		switch {
		case data[0] == '{' || data[0] == '"' || data[0] == '[' && !isTagged(data):
			return eventBroken
		case isSignOfLife(string(data)):
			return eventHarmless
		}
		return eventFailure // words, where an event should be
	}
	switch v := v.(type) {
	case string:
		if v == "" || isSignOfLife(v) {
			return eventHarmless
		}
		return eventFailure
	case []any:
		for _, item := range v {
			if fields, ok := item.(map[string]any); ok && readFields(fields) == eventFailure {
				return eventFailure
			}
		}
		return eventBroken
	case map[string]any:
		return readFields(v)
	}
	return eventHarmless
}

// isTagged reports whether data begins like "[ERROR] words".
func isTagged(data []byte) bool { return len(data) > 1 && data[1] >= 'A' && data[1] <= 'Z' }

// isSignOfLife reports whether s is a word that only keeps a connection open.
func isSignOfLife(s string) bool {
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

func readFields(fields map[string]any) eventKind {
	named := make(map[string]any, len(fields))
	for key, value := range fields {
		named[plainWord(key)] = value
	}
	for _, name := range []string{"object", "type", "status", "event", "state"} {
		if s, ok := named[name].(string); ok && saysFailure(s) {
			return eventFailure
		}
	}
	for _, name := range []string{"error", "errors", "detail", "exception", "errormessage", "errormsg", "errmsg", "fault"} {
		if says(named[name]) {
			return eventFailure
		}
	}
	code, words := codeIn(named), saysWords(named["message"]) || saysWords(named["msg"])
	switch {
	case says(named["errorcode"]) || says(named["errcode"]) || named["success"] == false || named["ok"] == false:
		return eventFailure
	case code == codeOfFailure:
		return eventFailure
	case code != codeOfSuccess && words && named["choices"] == nil:
		return eventFailure
	}
	for _, name := range []string{"type", "event"} {
		if word, ok := named[name].(string); ok && isSignOfLife(word) {
			return eventHarmless
		}
	}
	for key, value := range named {
		if says(value) && !slices.Contains(harmlessFields(), key) {
			return eventUnknown
		}
	}
	return eventHarmless
}

// harmlessFields are those of chunks and of facts that come beside them.
func harmlessFields() []string {
	return []string{
		"id", "object", "created", "createdat", "model", "choices", "usage", "systemfingerprint", "servicetier", "provider", "obfuscation",
		"promptfilterresults", "promptannotations", "contentfilterresults", "contentfilteroffsets", "citations", "searchresults",
		"images", "relatedquestions", "timings", "xgroq", "nvext", "metadata", "requestid", "logprobs", "code", "status", "success",
		"promptlogprobs", "prompttokenids", "kvtransferparams", "sources", "amazonbedrockinvocationmetrics", "amazonbedrocktrace",
		"error", "errors", "errorcode", "warnings",
	}
}

func saysFailure(s string) bool {
	word := plainWord(s)
	return strings.Contains(word, "error") || strings.Contains(word, "exception") || strings.HasPrefix(word, "fail") ||
		word == "aborted" || word == "cancelled" || word == "canceled"
}

// says reports whether v is there, and not one of the ways to say that nothing is.
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

// codeIn is what the code in an event says.
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
			case err == nil || isSignOfLife(v) || plainWord(v) == "success":
				found = codeOfSuccess
			}
		}
	}
	return found
}

// statusIn is the HTTP status that an event names, 0 if it names none.
func statusIn(data []byte) int {
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

// failure is the error in f, which was made of raw, or nil.
func (f *frame) failure(raw json.RawMessage) json.RawMessage {
	if present(f.Error) {
		return raw
	}
	for i := range f.Choices {
		c := &f.Choices[i]
		if present(c.Error) {
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

// present reports whether raw is an error, and not one of the ways to say that
// there is none.
func present(raw json.RawMessage) bool {
	if len(bytes.TrimSpace(raw)) == 0 {
		return false
	}
	var v any
	return json.Unmarshal(raw, &v) == nil && says(v)
}
