// Package contain inserts a Markdown text into a larger document so that nothing in
// the text has an effect after its end.
package contain

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// partLevel keeps the headings of a part below those of the document.
const (
	partLevel    = 3
	deepestLevel = 6
)

// Markdown returns source as a part of a larger document, between a heading of
// level 2 and the next one. In every reader, nothing in it has an effect after its
// end, and none of its headings looks like one of the document. It changes as
// little as possible: it closes fences, moves headings down, and turns HTML tags
// that are not closed into text.
func Markdown(source string) string {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(source)
	source = strings.TrimRight(source, "\n")
	changed := closeFence(showTags([]byte(source)))
	for range deepestLevel { // moving a heading may expose another one
		for _, p := range dialects() {
			changed = closeFence(moveHeadings(changed, p))
		}
		if contained(changed) {
			return string(changed)
		}
	}
	// A quotation contains everything.
	return "> " + strings.ReplaceAll(source, "\n", "\n> ")
}

// commonMark is a parser without extensions. All parsers agree with it about the
// end of a part.
var commonMark = sync.OnceValue(func() parser.Parser { //nolint:gochecknoglobals // made once, constant from then on
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
})

// dialects are the dialects whose headings differ: a definition in one may be a
// footnote in the other, and the line after it a heading.
func dialects() []parser.Parser { return []parser.Parser{commonMark(), withFootnotes()} }

// withFootnotes is the parser of a dialect with tables and footnotes, such as
// GitHub's.
var withFootnotes = sync.OnceValue(func() parser.Parser { //nolint:gochecknoglobals // made once, constant from then on
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithBlockParsers(util.Prioritized(extension.NewFootnoteBlockParser(), 999)),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithParagraphTransformers(util.Prioritized(extension.NewTableParagraphTransformer(), 200)),
	)
})

func parseCommonMark(src []byte) ast.Node { return commonMark().Parse(text.NewReader(src)) }

// nodesOf returns the nodes of one type in document order.
func nodesOf[T ast.Node](doc ast.Node) []T {
	var all []T
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker has no errors
		if t, ok := n.(T); ok && entering {
			all = append(all, t)
		}
		return ast.WalkContinue, nil
	})
	return all
}

// probe is a heading that is appended to a part to check whether the part has
// ended.
const probe = "\n\n## probe\n"

// ends reports whether a heading after the text is parsed as a heading.
func ends(src []byte) bool {
	whole := slices.Concat(src, []byte(probe))
	last, ok := parseCommonMark(whole).LastChild().(*ast.Heading)
	return ok && last.Level == 2 && last.Lines().Len() == 1 && last.Lines().At(0).Start == len(whole)-len("probe\n")
}

// contained reports whether a text needs no changes.
func contained(src []byte) bool {
	for _, p := range dialects() {
		for _, h := range nodesOf[*ast.Heading](p.Parse(text.NewReader(src))) {
			if h.Level < partLevel {
				return false
			}
		}
	}
	return ends(src) && balanced(textOf(src, rawHTML(src)))
}

// closeFence ends a code block that is still open at the end. A longer fence ends a
// shorter one, too.
func closeFence(src []byte) []byte {
	if ends(src) {
		return src
	}
	for _, mark := range []byte("`~") {
		closed := slices.Concat(src, []byte("\n"), bytes.Repeat([]byte{mark}, max(longestRun(src, mark), 3)))
		if ends(closed) {
			return closed
		}
	}
	return src
}

func longestRun(src []byte, mark byte) int {
	longest, run := 0, 0
	for _, b := range src {
		if b != mark {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// rawHTML returns the segments of HTML in a text.
func rawHTML(src []byte) []text.Segment {
	var all []text.Segment
	doc := parseCommonMark(src)
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker has no errors
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.HTMLBlock:
			all = append(all, n.Lines().Sliced(0, n.Lines().Len())...)
			if n.HasClosure() {
				all = append(all, n.ClosureLine)
			}
		case *ast.RawHTML:
			all = append(all, n.Segments.Sliced(0, n.Segments.Len())...)
		}
		return ast.WalkContinue, nil
	})
	for i, s := range all {
		all[i] = text.NewSegment(s.Start, min(s.Stop, len(src)))
	}
	return slices.DeleteFunc(all, func(s text.Segment) bool { return s.Start >= s.Stop })
}

// showTags turns the HTML of a source into text unless all elements are closed.
func showTags(src []byte) []byte {
	for range deepestLevel { // text that was inside HTML may now be something else
		segments := rawHTML(src)
		if balanced(textOf(src, segments)) {
			break
		}
		var out []byte
		from := 0
		for _, s := range segments {
			out = append(out, src[from:s.Start]...)
			out = append(out, bytes.ReplaceAll(src[s.Start:s.Stop], []byte("<"), []byte(`\<`))...)
			from = s.Stop
		}
		src = append(out, src[from:]...)
	}
	return src
}

// textOf is the text of several segments.
func textOf(src []byte, segments []text.Segment) string {
	var b strings.Builder
	for _, s := range segments {
		b.Write(src[s.Start:s.Stop])
	}
	return b.String()
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlTag     = regexp.MustCompile(`(?s)<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>`)
)

// Known elements have an effect until they are closed. The text of raw elements is
// not Markdown, so they are always turned into text.
const (
	knownElements = " a abbr address article aside audio b bdi bdo big blockquote body button canvas caption center cite code colgroup data datalist dd del details " +
		"dfn dialog dir div dl dt em fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup html i ins kbd label legend li main " +
		"map mark marquee menu meter nav nobr object ol optgroup option output p picture pre progress q rb rp rt rtc ruby s samp search section slot small span strike " +
		"strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video "
	rawElements = " script style textarea title xmp iframe noembed noframes noscript plaintext template select svg math "
)

// balanced reports whether every HTML element is closed.
func balanced(html string) bool {
	html = htmlComment.ReplaceAllString(html, "")
	var open []string
	for _, m := range htmlTag.FindAllStringSubmatch(html, -1) {
		name := strings.ToLower(m[2])
		switch {
		case strings.Contains(rawElements, " "+name+" "):
			return false
		case !strings.Contains(knownElements, " "+name+" "): // an unknown element has no effect
		case m[1] == "":
			open = append(open, name)
		case len(open) == 0 || open[len(open)-1] != name:
			return false
		default:
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0 && !strings.Contains(htmlTag.ReplaceAllString(html, ""), "<")
}

// Literal returns a line that Markdown shows unchanged, also in a heading.
func Literal(line string) string {
	if headingText(line) == line && !strings.ContainsAny(line, "~&|\\") {
		return line
	}
	var b strings.Builder
	for _, r := range line {
		if strings.ContainsRune("\\`*_{}[]<>()#|~&!", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// headingText is the text of a heading, "" if it has more than text.
func headingText(line string) string {
	src := []byte("# " + line)
	h, ok := parseCommonMark(src).FirstChild().(*ast.Heading)
	if !ok {
		return ""
	}
	shown := ""
	for n := h.FirstChild(); n != nil; n = n.NextSibling() {
		part, isText := n.(*ast.Text)
		if !isText {
			return ""
		}
		shown += string(part.Segment.Value(src))
	}
	return shown
}
