package render

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"chat/internal/lazyregexp"
)

// maxDepth is how deep elements are nested; deeper ones are left out, their text stays.
const maxDepth = 40

// allowed are the elements of the result, with their attributes. The value of an attribute
// is the pattern that its whole value must match.
var allowed = map[string]map[string]*lazyregexp.Regexp{ //nolint:gochecknoglobals // a constant in all but type
	"p": nil, "br": nil, "hr": nil, "em": nil, "strong": nil, "del": nil, "blockquote": nil, "ul": nil, "li": nil, "pre": nil,
	"h3": nil, "h4": nil, "h5": nil, "h6": nil, "table": nil, "thead": nil, "tbody": nil, "tr": nil,
	"ol":   {"start": lazyregexp.New(`^[0-9]{1,10}$`)},
	"th":   {"align": alignment},
	"td":   {"align": alignment},
	"code": {"class": lazyregexp.New(`^language-[a-z0-9+#._-]{1,20}$`)},
	"span": {"class": lazyregexp.New(`^[a-z]$`), "role": lazyregexp.New(`^img$`), "aria-label": lazyregexp.New(`^(not )?done$`)},
	"a":    {"href": nil},
}

var alignment = lazyregexp.New(`^(left|right|center)$`)

// void reports whether an element has no content.
func void(element string) bool { return element == "br" || element == "hr" }

// dropped are the elements whose content is not text.
var dropped = map[string]bool{ //nolint:gochecknoglobals // a constant in all but type
	"script": true, "style": true, "iframe": true, "object": true, "noscript": true, "template": true, "title": true, "textarea": true,
	"xmp": true, "noembed": true, "noframes": true, "plaintext": true, "select": true, "svg": true, "math": true,
}

// Sanitize returns HTML that has only the elements and attributes of an allow list, and is
// complete: each element that it opens it also closes. It is the last step of rendering and
// does not depend on what the steps before it promise.
func Sanitize(in string) string {
	s := sanitizer{tokens: html.NewTokenizer(strings.NewReader(in))}
	s.out.Grow(len(in))
	for s.step() {
	}
	for i := len(s.open) - 1; i >= 0; i-- {
		s.out.WriteString("</" + s.open[i] + ">")
	}
	return s.out.String()
}

type sanitizer struct {
	tokens *html.Tokenizer
	out    strings.Builder
	open   []string // the elements that are open
	skip   string   // the element whose content is left out
	depth  int      // of skip in itself
}

// step handles one token. It returns false at the end.
func (s *sanitizer) step() bool {
	kind := s.tokens.Next()
	if kind == html.ErrorToken { // the end: a string has no other errors
		return false
	}
	token := s.tokens.Token()
	if s.skip != "" {
		switch {
		case token.Data != s.skip:
		case kind == html.StartTagToken:
			s.depth++
		case kind == html.EndTagToken:
			if s.depth--; s.depth == 0 {
				s.skip = ""
			}
		}
		return true
	}
	switch kind {
	case html.TextToken:
		s.out.WriteString(html.EscapeString(token.Data))
	case html.StartTagToken, html.SelfClosingTagToken:
		s.begin(token, kind == html.SelfClosingTagToken)
	case html.EndTagToken:
		s.end(token.Data)
	case html.CommentToken, html.DoctypeToken, html.ErrorToken:
	}
	return true
}

func (s *sanitizer) begin(t html.Token, closed bool) {
	attributes, ok := allowed[t.Data]
	if !ok {
		if dropped[t.Data] && !closed {
			s.skip, s.depth = t.Data, 1
		}
		return
	}
	if len(s.open) >= maxDepth && !void(t.Data) {
		return
	}
	written := ""
	for _, a := range t.Attr {
		pattern, ok := attributes[a.Key]
		if ok && t.Data == "a" {
			written += linkAttributes(a.Val)
		} else if ok && pattern.MatchString(a.Val) {
			written += " " + a.Key + `="` + html.EscapeString(a.Val) + `"`
		}
	}
	if t.Data == "a" && written == "" {
		return
	}
	s.out.WriteString("<" + t.Data + written + ">")
	if !void(t.Data) {
		s.open = append(s.open, t.Data)
	}
}

// end closes an element, and those within it that are still open.
func (s *sanitizer) end(name string) {
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.open[i] != name {
			continue
		}
		for len(s.open) > i {
			last := len(s.open) - 1
			s.out.WriteString("</" + s.open[last] + ">")
			s.open = s.open[:last]
		}
		return
	}
}

// linkAttributes returns the attributes of a link to another place, none if the address is
// not one that a page may lead to.
func linkAttributes(address string) string {
	if !webAddress(address) {
		return ""
	}
	return ` href="` + html.EscapeString(address) + `" rel="noopener noreferrer nofollow" target="_blank"`
}

// webAddress reports whether a page may link to an address.
func webAddress(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	}
	return false
}
