package render

import (
	"html"
	"strings"

	"chat/internal/term/highlight"
)

// classes are the CSS classes of the kinds of code; kinds without one are plain.
var classes = [highlight.Kinds]string{ //nolint:gochecknoglobals // a constant in all but type
	highlight.Keyword: "k", highlight.Type: "t", highlight.Name: "n", highlight.String: "s", highlight.Number: "m",
	highlight.Comment: "c", highlight.Added: "a", highlight.Removed: "r",
}

// maxColoured is the longest line in bytes that is highlighted.
const maxColoured = 1 << 10

// advance returns the state at the end of a block of code.
func (b Block) advance() highlight.State {
	state := b.state
	if l := highlight.For(b.Language); l != nil {
		for line := range strings.Lines(b.Text) {
			l.Line(strings.TrimSuffix(line, "\n"), &state)
		}
	}
	return state
}

// appendCode appends code as HTML.
func appendCode(out *strings.Builder, language, text string, state highlight.State) {
	out.WriteString("<pre><code")
	if name := languageName(language); name != "" {
		out.WriteString(` class="language-` + name + `"`)
	}
	out.WriteString(">")
	l := highlight.For(language)
	for line := range strings.Lines(text) {
		content, ended := strings.CutSuffix(line, "\n")
		if l == nil || len(content) > maxColoured {
			out.WriteString(html.EscapeString(visible(content)))
		} else {
			appendSpans(out, l.Line(content, &state))
		}
		if ended {
			out.WriteByte('\n')
		}
	}
	out.WriteString("</code></pre>")
}

func appendSpans(out *strings.Builder, spans []highlight.Span) {
	for _, span := range spans {
		text := html.EscapeString(visible(span.Text))
		class := classes[span.Kind]
		if class == "" {
			out.WriteString(text)
			continue
		}
		out.WriteString(`<span class="` + class + `">` + text + `</span>`)
	}
}

// visible replaces the characters that show code in another order than it runs
// (CVE-2021-42574).
func visible(code string) string {
	if !strings.ContainsAny(code, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
		return code
	}
	return strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return '\ufffd'
		}
		return r
	}, code)
}

// languageName returns the name of a language as a part of a class, "" if it is not a name.
func languageName(s string) string {
	const longest = 20
	s = strings.ToLower(s)
	if len(s) > longest || strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("+#-_.", r)
	}) {
		return ""
	}
	return s
}
