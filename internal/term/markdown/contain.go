package markdown

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

// Headings of a part of a document begin below those of the document.
const (
	partLevel    = 3
	deepestLevel = 6
)

// Contain is a text as a part of a larger document, to stand below a heading of
// level 2 and above the next one: nothing in it reaches beyond its end, whoever
// reads it, and none of its headings can be taken for one of the document. It
// changes as little as that needs: fences are closed, headings are moved down, and
// tags of HTML that have no end are shown as they were written.
func Contain(source string) string {
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(source)
	source = strings.TrimRight(source, "\n")
	changed := closeFence(showTags([]byte(source)))
	for range deepestLevel { // a heading that is moved may end what hid another
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

// commonMark is a parser without extensions: what it takes for the end of a part,
// every other one does.
var commonMark = sync.OnceValue(func() parser.Parser { //nolint:gochecknoglobals // made once, constant from then on
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
})

// dialects are those whose headings differ: what is a definition in one may be a
// footnote in the other, and the line behind it a heading.
func dialects() []parser.Parser { return []parser.Parser{commonMark(), withFootnotes()} }

// withFootnotes is the parser of a dialect with tables and footnotes, as GitHub's.
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

// nodesOf are the nodes of one type, in the order of the document.
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

// probe is what stands behind a part to see whether that has ended.
const probe = "\n\n## probe\n"

// ends reports whether a heading behind a text is one.
func ends(src []byte) bool {
	whole := slices.Concat(src, []byte(probe))
	last, ok := parseCommonMark(whole).LastChild().(*ast.Heading)
	return ok && last.Level == 2 && last.Lines().Len() == 1 && last.Lines().At(0).Start == len(whole)-len("probe\n")
}

// contained reports whether a text needs no more changes.
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

// closeFence ends a code block that is still open at the end. A fence that is longer
// than the one before ends it, too.
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

// rawHTML are the places of HTML in a text.
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

// showTags makes text of the HTML of a source, unless all of it has an end.
func showTags(src []byte) []byte {
	for range deepestLevel { // what was inside HTML may be something else now
		places := rawHTML(src)
		if balanced(textOf(src, places)) {
			break
		}
		var out []byte
		from := 0
		for _, s := range places {
			out = append(out, src[from:s.Start]...)
			out = append(out, bytes.ReplaceAll(src[s.Start:s.Stop], []byte("<"), []byte(`\<`))...)
			from = s.Stop
		}
		src = append(out, src[from:]...)
	}
	return src
}

// textOf is the text at several places.
func textOf(src []byte, places []text.Segment) string {
	var b strings.Builder
	for _, s := range places {
		b.Write(src[s.Start:s.Stop])
	}
	return b.String()
}

var (
	htmlComment = regexp.MustCompile(`(?s)<!--.*?-->`)
	htmlTag     = regexp.MustCompile(`(?s)<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^>"']|"[^"]*"|'[^']*')*)>`)
)

// Elements that have an effect up to their end, and elements whose text is no
// Markdown and may be anything: those are never passed on.
const (
	knownElements = " a abbr address article aside audio b bdi bdo big blockquote body button canvas caption center cite code colgroup data datalist dd del details " +
		"dfn dialog dir div dl dt em fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup html i ins kbd label legend li main " +
		"map mark marquee menu meter nav nobr object ol optgroup option output p picture pre progress q rb rp rt rtc ruby s samp search section slot small span strike " +
		"strong sub summary sup table tbody td tfoot th thead time tr tt u ul var video "
	rawElements = " script style textarea title xmp iframe noembed noframes noscript plaintext template select svg math "
)

// balanced reports whether every element of a text of HTML has its end.
func balanced(html string) bool {
	html = htmlComment.ReplaceAllString(html, "")
	var open []string
	for _, m := range htmlTag.FindAllStringSubmatch(html, -1) {
		name := strings.ToLower(m[2])
		switch {
		case strings.Contains(rawElements, " "+name+" "):
			return false
		case !strings.Contains(knownElements, " "+name+" "): // it does nothing
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

// Literal is a line that Markdown shows as it is, in a heading, too.
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

// headingText is the text of a heading, if that is all it has.
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
