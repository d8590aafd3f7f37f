package markdown

import (
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"

	"chat/internal/term/sanitize"
)

// inline collects the spans of a block's inline children, in the given style.
func (l *layout) inline(parent ast.Node, sgr string) []span {
	return l.inlines(nil, parent, sgr)
}

func (l *layout) inlines(out []span, parent ast.Node, sgr string) []span {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		out = l.inlineNode(out, n, sgr)
	}
	return out
}

func (l *layout) inlineNode(out []span, n ast.Node, sgr string) []span {
	switch n := n.(type) {
	case *ast.Text:
		return l.text(out, n, sgr)
	case *ast.String:
		return append(out, span{sanitize.Line(string(n.Value)), sgr})
	case *ast.CodeSpan:
		return append(out, span{l.codeSpan(n), join(sgr, l.style.Code)})
	case *ast.Emphasis:
		if n.Level == 1 {
			return l.inlines(out, n, join(sgr, l.style.Emphasis))
		}
		return l.inlines(out, n, join(sgr, l.style.Strong))
	case *extast.Strikethrough:
		return l.inlines(out, n, join(sgr, l.style.Strike))
	case *ast.Link:
		return l.link(out, n, string(n.Destination), sgr)
	case *ast.Image:
		return l.link(out, n, string(n.Destination), sgr)
	case *ast.AutoLink:
		return append(out, span{sanitize.Line(string(n.Label(l.src))), join(sgr, l.style.Link)})
	case *ast.RawHTML:
		return l.rawHTML(out, n, sgr)
	case *mathSpan:
		return l.mathSpan(out, n, sgr)
	case *extast.TaskCheckBox:
		return out // its item shows it
	}
	return l.inlines(out, n, sgr)
}

func (l *layout) text(out []span, n *ast.Text, sgr string) []span {
	value := string(n.Segment.Value(l.src))
	if !n.IsRaw() {
		value = unescape(keepLaTeX(value))
	}
	out = append(out, span{value, sgr})
	switch {
	case n.HardLineBreak():
		out = append(out, span{"\n", sgr})
	case n.SoftLineBreak() && keepsLine(l.src[n.Segment.Stop:]):
		out = append(out, span{"\n", sgr})
	case n.SoftLineBreak():
		out = append(out, span{" ", sgr})
	}
	return out
}

// ownLine matches the beginning of a line that belongs to a list in other dialects:
// a footnote, a definition, a bullet.
var ownLine = regexp.MustCompile(`^[^\n]*\n[ \t>]*(?:\[(?:\^[^\]\n]+|[0-9]+)\]: |: |[•◦▪‣·–—] )`)

// keepsLine reports whether the line after a soft break must not be joined to the
// line before it.
func keepsLine(rest []byte) bool { return ownLine.Match(rest) }

func (l *layout) codeSpan(n *ast.CodeSpan) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(l.src))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// link shows a link's text and, unless it is the same, its target.
func (l *layout) link(out []span, n ast.Node, target, sgr string) []span {
	label := l.inlines(nil, n, join(sgr, l.style.Link))
	target = sanitize.Line(unescape(target))
	var seen strings.Builder
	for _, s := range label {
		seen.WriteString(s.text)
	}
	out = append(out, label...)
	if target == "" || target == seen.String() {
		return out
	}
	if seen.Len() == 0 {
		return append(out, span{target, join(sgr, l.style.URL)})
	}
	return append(out, span{" (" + target + ")", join(sgr, l.style.URL)})
}

func (l *layout) rawHTML(out []span, n *ast.RawHTML, sgr string) []span {
	raw := string(n.Segments.Value(l.src))
	switch strings.ToLower(strings.Join(strings.Fields(raw), "")) {
	case "<br>", "<br/>":
		return append(out, span{"\n", sgr})
	}
	return append(out, span{strings.ReplaceAll(raw, "\n", " "), join(sgr, l.style.Raw)})
}

// keepLaTeX escapes backslashes before characters that Markdown never needs
// escaped, because formulas without delimiters use them.
func keepLaTeX(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return laTeX.Replace(s)
}

var laTeX = strings.NewReplacer(`\\`, `\\`, `\,`, `\\,`, `\;`, `\\;`, `\:`, `\\:`, `\%`, `\\%`, `\{`, `\\{`, `\}`, `\\}`) //nolint:gochecknoglobals // constant

// unescape resolves backslash escapes and entities in one pass. An entity can spell
// any character, so the result is sanitized again.
func unescape(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && util.IsPunct(s[i+1]):
			i++
			b.WriteByte(s[i])
		case s[i] == '&':
			entity := entityAt(s[i:])
			if entity == "" {
				b.WriteByte('&')
				continue
			}
			b.WriteString(sanitize.Line(html.UnescapeString(entity)))
			i += len(entity) - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// entityAt returns the entity that s begins with, its semicolon included, or "".
func entityAt(s string) string {
	const longest = 40
	end := strings.IndexByte(s[:min(len(s), longest)], ';')
	if end < 2 {
		return ""
	}
	for _, c := range []byte(s[1:end]) {
		if !util.IsAlphaNumeric(c) && c != '#' {
			return ""
		}
	}
	return s[:end+1]
}
