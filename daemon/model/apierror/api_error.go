package apierror

import (
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"chat/internal/lazyregexp"
)

// MaxBody bounds how much of an error response is read, in bytes.
const MaxBody = 64 << 10

// ItSaid precedes the provider's words in a message.
const ItSaid = "; it said: "

// ByteOrderMark may precede a body; it must not hide what follows.
const ByteOrderMark = "\xEF\xBB\xBF"

// Error is the content of an error response. It implements error, for logs.
type Error struct {
	Message string // the innermost sentence, quotable; "" if there is none

	kinds string // types, codes and states of all levels, in lower case
	says  string // all sentences, in lower case
	whole string // the beginning of the body, in lower case
	page  bool   // the body is not JSON

	Code  int           // the innermost number in a field named code, or 0
	Delay time.Duration // the wait that the provider asks for, 0 if it does not say
	Used  int           // tokens of the request; 0 if it does not say
	Limit int           // tokens that the model accepts; 0 if it does not say
}

func (c *Error) Error() string { return "the provider said: " + c.Message }

// Read reads an error body of any form: OpenAI's, {"error":"…"}, {"message":"…"},
// {"detail":…} as in FastAPI, arrays of those, values inside sentences, a web page, plain
// text. key is masked in Message.
func Read(body []byte, keys ...string) *Error {
	if len(body) > MaxBody {
		body = body[:MaxBody]
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(body), ByteOrderMark))
	c := &Error{whole: strings.ToLower(text[:min(len(text), 4096)])}
	_, isJSON := literal(text)
	c.page = !isJSON
	said := c.sentence(text, 0)
	if said == "" {
		said, _, _ = strings.Cut(c.kinds, "\n")
	}
	c.Message = Quote(said, keys...)
	c.Delay = max(c.Delay, textDelay(c.says, time.Now()))
	c.countTokens()
	return c
}

// sentence returns the innermost sentence of a text: that of an object in it, or the text
// itself.
func (c *Error) sentence(text string, depth int) string {
	text = strings.TrimSpace(text)
	if text == "" || depth > maxNesting {
		return ""
	}
	if text[0] == '<' {
		text = pageText(text)
		c.add(&c.says, text)
		return text
	}
	for tries, at := 0, 0; tries < 8; tries++ {
		i := strings.IndexAny(text[at:], "{[")
		if i < 0 {
			break
		}
		at += i
		v, ok := literal(text[at:])
		if !ok && strings.HasPrefix(text[at:], `{\"`) {
			v, ok = literal(strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[at:]))
		}
		if ok && (at == 0 || isError(v)) {
			if said := c.read(v, depth+1); said != "" {
				c.add(&c.says, text[:at])
				return said
			}
			if at == 0 {
				return "" // an object that says nothing is no sentence
			}
		}
		at++
	}
	c.add(&c.says, text)
	return text
}

// add appends a text in lower case to one of the collected texts, within bounds.
func (*Error) add(to *string, text string) {
	if text != "" && len(*to) < MaxBody {
		*to += strings.ToLower(text) + "\n"
	}
}

// isError reports whether a value in a sentence is an error, and not an example in it.
func isError(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) > 0 && isError(v[0])
	case map[string]any:
		for name := range v {
			switch plain(name) {
			case "error", "errors", "message", "msg", "detail", "errormessage", "errormsg", "fault":
				return true
			}
		}
	}
	return false
}

// plain returns the name of a field in lower case, without separators.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// messageFields are the fields that may have a sentence, the most specific first. raw is
// the error of the provider that OpenRouter used.
func messageFields() []string {
	return []string{
		"error", "message", "detail", "errors", "msg", "errormessage", "errormsg", "errmsg", "err", "errordescription",
		"exception", "fault", "faultstring", "details", "metadata", "raw", "reason", "title",
		"statusmessage", "description", "text", "response", "body", "data",
	}
}

// read collects what a value says about the error, and returns its sentence.
func (c *Error) read(v any, depth int) string {
	if depth > maxNesting {
		return ""
	}
	switch v := v.(type) {
	case string:
		return c.sentence(v, depth)
	case []any:
		first := ""
		for _, item := range v {
			if said := c.read(item, depth+1); first == "" {
				first = said
			}
		}
		return first
	case map[string]any:
		fields := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			fields[plain(name)] = v[name]
			c.collect(plain(name), v[name])
		}
		return c.best(fields, depth)
	}
	return ""
}

// best returns the first sentence in the fields of an object. A single word, or the name of
// a status, is used only if there is no other.
func (c *Error) best(fields map[string]any, depth int) string {
	weak := ""
	strong := ""
	if _, named := fields["error"].(string); named && c.read(fields["message"], depth+1) != "" {
		delete(fields, "error") // its name, beside what it is
	}
	for _, name := range messageFields() {
		said := c.read(fields[name], depth+1)
		switch {
		case said == "":
		case strong == "" && strings.ContainsFunc(said, unicode.IsSpace) && !generic(said):
			strong = said
			if at := path(fields["loc"]); at != "" && name == "msg" {
				strong = at + ": " + said // FastAPI: where in the request
			}
		case weak == "":
			weak = said
		}
	}
	if strong == "" {
		return weak
	}
	return strong
}

// generic reports whether a sentence only says that something failed.
func generic(said string) bool {
	switch s := strings.Trim(strings.ToLower(said), ". "); s {
	case "provider returned error", "an error occurred", "unknown error", "upstream error", "request failed", "bad request error":
		return true
	default:
		for status := http.StatusBadRequest; status < 600; status++ {
			if s == strings.ToLower(http.StatusText(status)) && s != "" {
				return true
			}
		}
	}
	return false
}

// path formats a path in a request, which FastAPI gives as ["body", "messages", 0].
func path(loc any) string {
	list, _ := loc.([]any)
	var parts []string
	for _, p := range list {
		switch p := p.(type) {
		case string:
			parts = append(parts, p)
		case float64:
			parts = append(parts, strconv.Itoa(int(p)))
		}
	}
	return strings.Join(parts, ".")
}

// collect reads a field that names the kind of the error, or has a number.
func (c *Error) collect(name string, v any) {
	switch name {
	case "type", "code", "status", "reason", "errortype", "errorcode", "statuscode", "quotaid", "param", "error":
		switch v := v.(type) {
		case string:
			if !strings.ContainsFunc(v, unicode.IsSpace) {
				c.add(&c.kinds, v)
			}
			if n, err := strconv.Atoi(v); err == nil && c.Code == 0 && name != "param" {
				c.Code = n
			}
		case float64:
			if n := int(v); n >= 100 && (c.Code == 0 || name == "code") {
				c.Code = n
			}
		}
	case "headers": // of the provider that a gateway used
		if inner, ok := v.(map[string]any); ok {
			for name, value := range inner {
				c.Delay = max(c.Delay, fieldDelay(plain(name), value, time.Now()))
			}
		}
	case "nprompttokens":
		c.Used = count(v)
	case "nctx":
		c.Limit = count(v)
	default:
		c.Delay = max(c.Delay, fieldDelay(name, v, time.Now()))
	}
}

func count(v any) int {
	if n, ok := v.(float64); ok && n > 0 && n < maxContext {
		return int(n)
	}
	return 0
}

var (
	pageTitles = lazyregexp.New(`(?is)<title[^>]*>(.*?)</title>`)
	headings   = lazyregexp.New(`(?is)<h1[^>]*>(.*?)</h1>`)
	messages   = lazyregexp.New(`(?is)<(?:\w+:)?(?:message|faultstring|errormessage|detail|description)\b[^>]*>\s*([^<]+?)\s*<`)
	invisible  = lazyregexp.New(`(?is)<(?:script|style|head)\b.*?</(?:script|style|head)>|<!--.*?-->`)
	markup     = lazyregexp.New(`(?s)<[^>]*>`)
)

func PageTitle(page []byte) string {
	if m := pageTitles.FindSubmatch(page); m != nil {
		return html.UnescapeString(string(m[1]))
	}
	return ""
}

// pageText returns the sentence of a page or an XML document.
func pageText(page string) string {
	for _, part := range []*lazyregexp.Regexp{pageTitles, headings, messages} {
		if m := part.FindStringSubmatch(page); m != nil {
			if said := strings.TrimSpace(html.UnescapeString(markup.ReplaceAllString(m[1], " "))); said != "" {
				return said
			}
		}
	}
	return strings.TrimSpace(html.UnescapeString(markup.ReplaceAllString(invisible.ReplaceAllString(page, " "), " ")))
}
