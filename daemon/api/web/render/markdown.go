package render

import (
	"html"
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	ghtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"chat/internal/term/highlight"
)

// converter returns the converter of Markdown, which knows no HTML: it is text. It knows no definitions of
// links either: blocks are rendered without each other, so that a definition would vanish
// without an effect on the text that refers to it.
var converter = sync.OnceValue(func() goldmark.Markdown { //nolint:gochecknoglobals // made once
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100), util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300), util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500), util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700), util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100), util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300), util.Prioritized(breakParser{}, 400), util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(util.Prioritized(tableParser{extension.NewTableParagraphTransformer()}, 200)),
		parser.WithASTTransformers(util.Prioritized(extension.NewTableASTTransformer(), 0)),
	)
	r := renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(ghtml.NewRenderer(), 1000), util.Prioritized(nodes{}, 100),
		util.Prioritized(extension.NewTableHTMLRenderer(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute)), 500),
	))
	return goldmark.New(goldmark.WithParser(p), goldmark.WithRenderer(r), goldmark.WithExtensions(
		extension.Strikethrough, extension.TaskList,
		extension.NewLinkify(extension.WithLinkifyAllowedProtocols([]string{"http", "https", "mailto"})),
	))
})

// maxCells bounds the cells of a table. Each row gets all columns of the head, so that a short
// text could make millions of cells.
const maxCells = 4000

// maxColumns bounds the columns of a table, for the same reason: a table is continued in
// further blocks. Wider ones are text.
const maxColumns = 50

// tableParser reads tables that are not too large. Others are text.
type tableParser struct{ parser.ParagraphTransformer }

func (p tableParser) Transform(n *ast.Paragraph, reader text.Reader, pc parser.Context) {
	most, head := 0, 0
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		most = max(most, columnsOf(string(segment.Value(reader.Source()))))
		if i == 0 {
			head = most
		}
	}
	if n.Lines().Len() > 1 && head <= maxColumns && most*n.Lines().Len() <= maxCells {
		p.ParagraphTransformer.Transform(n, reader, pc)
	}
}

// breakParser reads <br>, which models write in the cells of tables.
type breakParser struct{}

func (breakParser) Trigger() []byte { return []byte{'<'} }

func (breakParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	for _, form := range []string{"<br>", "<br/>", "<br />"} {
		if len(line) >= len(form) && strings.EqualFold(string(line[:len(form)]), form) {
			block.Advance(len(form))
			n := ast.NewText()
			n.SetHardLineBreak(true)
			return n
		}
	}
	return nil
}

// nodes renders what a page shows in another way than goldmark.
type nodes struct{}

func (nodes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(ast.KindHeading, heading)
	r.Register(ast.KindImage, image)
	r.Register(ast.KindFencedCodeBlock, code)
	r.Register(ast.KindCodeBlock, code)
	r.Register(extast.KindTaskCheckBox, checkBox)
}

// heading renders a heading below those of the page, which are h1 and h2.
func heading(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	level := 3
	if h, ok := n.(*ast.Heading); ok {
		level = min(h.Level+2, 6)
	}
	tag := "h" + strconv.Itoa(level) + ">"
	if entering {
		tag = "<" + tag
	} else {
		tag = "</" + tag + "\n"
	}
	_, err := w.WriteString(tag)
	return ast.WalkContinue, err
}

// image renders an image as a link: a page that loads it would report its reader to another
// server.
func image(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	i, ok := n.(*ast.Image)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	address := string(util.URLEscape(i.Destination, true))
	var label strings.Builder
	appendText(&label, source, n)
	shown := html.EscapeString("image: " + label.String())
	if label.Len() == 0 {
		shown = html.EscapeString("image: " + address)
	}
	if webAddress(address) {
		shown = `<a href="` + html.EscapeString(address) + `">` + shown + `</a>`
	}
	_, err := w.WriteString(shown)
	return ast.WalkSkipChildren, err
}

// appendText appends the text of a node.
func appendText(out *strings.Builder, source []byte, n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch t := c.(type) {
		case *ast.Text:
			out.Write(t.Segment.Value(source))
		case *ast.String:
			out.Write(t.Value)
		default:
			appendText(out, source, c)
		}
	}
}

func code(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	language := ""
	if f, ok := n.(*ast.FencedCodeBlock); ok {
		language = string(f.Language(source))
	}
	var lines, out strings.Builder
	for i := range n.Lines().Len() {
		segment := n.Lines().At(i)
		lines.Write(segment.Value(source))
	}
	appendCode(&out, language, lines.String(), highlight.State{})
	_, err := w.WriteString(out.String())
	return ast.WalkSkipChildren, err
}

func checkBox(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	c, ok := n.(*extast.TaskCheckBox)
	if !ok || !entering {
		return ast.WalkContinue, nil
	}
	box := `<span role="img" aria-label="not done">☐</span> `
	if c.IsChecked {
		box = `<span role="img" aria-label="done">☑</span> `
	}
	_, err := w.WriteString(box)
	return ast.WalkContinue, err
}
