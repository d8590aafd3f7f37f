// Package markdown lays out Markdown (CommonMark with tables, strikethrough, task
// lists and bare links) as rows of a terminal, none wider than a given width. It
// shows formulas and HTML, which it cannot draw, as source.
//
// Render lays out a whole text. Stream does the same for a text that is still
// arriving: after every piece its rows equal those of Render on the text so far.
// The cost of a piece depends on the last block, not on the length of the text.
// Writer appends finished rows to a terminal.
//
// The caller sanitizes the text (Writer does it itself). This package sanitizes
// what Markdown can produce from it, such as the entity &#27;.
package markdown

import (
	"bytes"
	"regexp"
	"sync"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// MinWidth is the narrowest layout; a smaller width is treated as this one.
const MinWidth = 4

// Render lays out source in rows of at most width cells.
func Render(source string, width int, style Style) []string {
	src := []byte(source)
	doc := parse(src, parser.NewContext())
	l := layout{src: src, style: style, fences: new(int)}
	return l.document(doc, max(width, MinWidth))
}

// grammar builds the parser at its first use, so that a program that shows no
// Markdown does not pay for it. A goldmark parser is safe for concurrent use.
var grammar = sync.OnceValue(func() parser.Parser { //nolint:gochecknoglobals // made once, constant from then on
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithBlockParsers(util.Prioritized(mathBlocks{}, 50)),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewRawHTMLParser(), 400),
			util.Prioritized(extension.NewTaskCheckBoxParser(), 0),
			util.Prioritized(paths{}, 10),
			util.Prioritized(mathSpans{}, 20),
			util.Prioritized(emphasis{}, 500),
			util.Prioritized(strikethrough{}, 500),
			util.Prioritized(extension.NewLinkifyParser(), 999),
		),
		parser.WithParagraphTransformers(
			util.Prioritized(definitions{}, 100),
			util.Prioritized(extension.NewTableParagraphTransformer(), 200),
		),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
})

// definitions parses link reference definitions. It leaves footnotes and numbered
// sources in place: they look like definitions, but readers need them.
type definitions struct{}

var footnote = regexp.MustCompile(`(?m)^[ \t>]*\[(?:\^[^\]\n]+|[0-9]+)\]:`)

func (definitions) Transform(n *ast.Paragraph, reader text.Reader, pc parser.Context) {
	if !footnote.Match(n.Lines().Value(reader.Source())) {
		parser.LinkReferenceParagraphTransformer.Transform(n, reader, pc)
	}
}

func parse(src []byte, pc parser.Context) ast.Node {
	return grammar().Parse(text.NewReader(src), parser.WithContext(pc))
}

// lineStart is the index of the first byte of the line that holds src[pos].
func lineStart(src []byte, pos int) int {
	return bytes.LastIndexByte(src[:pos], '\n') + 1
}
