package provider

import (
	"errors"
	"html"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"chat"
	"chat/internal/lazyregexp"
)

// maxErrorQuote bounds what is quoted of a provider's words, in characters.
const maxErrorQuote = 300

// maxModelID bounds the name of a model, in characters.
const maxModelID = 200

// apiError is what the body of a provider's error response says. It implements
// error, for logs.
type apiError struct {
	Message string // the innermost sentence, quotable; "" if there is none

	kinds string // types, codes and states, at all levels, in lower case
	says  string // all sentences, in lower case
	whole string // the beginning of the body, in lower case
	code  int    // the innermost number that is called a code, or 0
	page  bool   // the body is not JSON
	delay time.Duration
	used  int // tokens; 0 if it does not say
	limit int // tokens; 0 if it does not say
}

func (c *apiError) Error() string { return "the provider said: " + c.Message }

// readAPIError reads an error body of any shape: OpenAI's, {"error":"…"},
// {"message":"…"}, {"detail":…} as FastAPI has it, arrays of those, values that
// are pasted into sentences, a web page, plain text.
func (e *endpoint) readAPIError(body []byte) *apiError {
	if len(body) > maxErrorBody {
		body = body[:maxErrorBody]
	}
	text := strings.TrimSpace(strings.TrimPrefix(string(body), byteOrderMark))
	c := &apiError{whole: strings.ToLower(text[:min(len(text), 4096)])}
	_, isJSON := literal(text)
	c.page = !isJSON
	said := c.sentence(text, 0)
	if said == "" {
		said, _, _ = strings.Cut(c.kinds, "\n")
	}
	c.Message = e.sanitize(said)
	c.delay = max(c.delay, textDelay(c.says, time.Now()))
	c.countTokens()
	return c
}

// sentence is the innermost sentence of a text: what an object in it says, or
// the text itself.
func (c *apiError) sentence(text string, depth int) string {
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
		if ok && (at == 0 || tells(v)) {
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

// add appends a text in lower case to all that was said, within bounds.
func (*apiError) add(to *string, text string) {
	if text != "" && len(*to) < maxErrorBody {
		*to += strings.ToLower(text) + "\n"
	}
}

// tells reports whether a value in a sentence is an error, and not an example in it.
func tells(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) > 0 && tells(v[0])
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

// plain is the name of a field without the differences in how names are written.
func plain(name string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// speaking are the fields that may have a sentence, the most telling first. raw
// is what OpenRouter had from a provider behind it.
func speaking() []string {
	return []string{
		"error", "message", "detail", "errors", "msg", "errormessage", "errormsg", "errmsg", "err", "errordescription",
		"exception", "fault", "faultstring", "details", "metadata", "raw", "reason", "title",
		"statusmessage", "description", "text", "response", "body", "data",
	}
}

// read takes in what a value says of the error, and returns its sentence.
func (c *apiError) read(v any, depth int) string {
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
			c.note(plain(name), v[name])
		}
		return c.best(fields, depth)
	}
	return ""
}

// best is the first sentence in the fields of an object. A single word, or the
// name of a status, gives way to a real one.
func (c *apiError) best(fields map[string]any, depth int) string {
	weak := ""
	strong := ""
	if _, named := fields["error"].(string); named && c.read(fields["message"], depth+1) != "" {
		delete(fields, "error") // its name, beside what it is
	}
	for _, name := range speaking() {
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

// path is a place in a request, as FastAPI gives it: ["body", "messages", 0].
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

// note takes in a field that names the kind of the error, or has a number.
func (c *apiError) note(name string, v any) {
	switch name {
	case "type", "code", "status", "reason", "errortype", "errorcode", "statuscode", "quotaid", "param", "error":
		switch v := v.(type) {
		case string:
			if !strings.ContainsFunc(v, unicode.IsSpace) {
				c.add(&c.kinds, v)
			}
			if n, err := strconv.Atoi(v); err == nil && c.code == 0 && name != "param" {
				c.code = n
			}
		case float64:
			if n := int(v); n >= 100 && (c.code == 0 || name == "code") {
				c.code = n
			}
		}
	case "headers": // those of a provider behind this one
		if inner, ok := v.(map[string]any); ok {
			for name, value := range inner {
				c.delay = max(c.delay, fieldDelay(plain(name), value, time.Now()))
			}
		}
	case "nprompttokens":
		c.used = count(v)
	case "nctx":
		c.limit = count(v)
	default:
		c.delay = max(c.delay, fieldDelay(name, v, time.Now()))
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

func pageTitle(page []byte) string {
	if m := pageTitles.FindSubmatch(page); m != nil {
		return html.UnescapeString(string(m[1]))
	}
	return ""
}

// pageText is what a page or an XML document says in one sentence.
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

// sanitize returns s for a message to a user: one short line, without control
// characters, the endpoint's key and anything that looks like a secret.
func (e *endpoint) sanitize(s string) string {
	// Cleaned first: a key with a zero-width space in it is still the key.
	return clean(withoutSecrets(e.withoutKey(clean(e.withoutKey(s), maxErrorBody))), maxErrorQuote)
}

// minSecret is the length from which a key is one; local servers take any word.
const minSecret = 4

func (e *endpoint) withoutKey(s string) string {
	if len(e.key) < minSecret {
		return s
	}
	return strings.ReplaceAll(s, e.key, "(the key)")
}

var (
	// keyShapes are keys by their looks, whole or with stars or dots in them.
	keyShapes = lazyregexp.New(`\b(?:(?:sk|pk|rk|ak|gsk|csk|xai|pplx|hf|r8|nvapi|fw|tgp|ghp|gho|ghu|ghs|github_pat|glpat)[-_]|AIza|AKIA|ya29\.|eyJ)[A-Za-z0-9_*.…/+-]{5,}[A-Za-z0-9*…]`)
	// keysNamed are keys by the words before them.
	keysNamed = lazyregexp.New(`(?i)((?:api[-_ ]?key|access[-_ ]?token|key hash \(token\)|authorization|password|secret)(?: provided| is)?["']?\s*[:=]\s*["'` + "`" + `]?(?:bearer\s+)?)([^\s"'` + "`" + `,;(){}<>]{6,})`)
	bearers   = lazyregexp.New(`(?i)(\bbearer\s+)([A-Za-z0-9_.~+/=*-]{8,})`)
	keysInURL = lazyregexp.New(`(?i)([?&](?:key|api[-_]?key|token|access_token|sig|signature)=)([^&\s"']+)`)
	userInfo  = lazyregexp.New(`(://)([^/\s@"']+@)`)
)

// withoutSecrets masks what looks like a key, ours or another's.
func withoutSecrets(s string) string {
	s = keyShapes.ReplaceAllString(s, "(the key)")
	for _, named := range []*lazyregexp.Regexp{keysNamed, bearers, keysInURL} {
		s = named.ReplaceAllStringFunc(s, func(m string) string {
			parts := named.FindStringSubmatch(m)
			if strings.HasPrefix(parts[2], "http") {
				return m
			}
			return parts[1] + "(the key)"
		})
	}
	return userInfo.ReplaceAllString(s, "$1")
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
	if text := withoutSecrets(e.withoutKey(err.Error())); text != err.Error() {
		return errors.New(text)
	}
	return err
}
