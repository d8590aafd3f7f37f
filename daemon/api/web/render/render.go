// Package render renders the text of a model as HTML for a web page, block by block.
//
// The text is hostile. HTML in it is shown as text, links lead to http, https and mailto
// only, images of other servers are links, and the result consists of the elements and
// attributes of an allow list (Sanitize).
//
// The sanitizer is bluemonday. It adds 2 ms to the 6 ms of each start of chat, which includes
// the daemon, because it compiles its expressions when it is initialized: an accepted price for
// a sanitizer that others maintain. Code is highlighted by package highlight, as on the
// terminal, and not by chroma, which would add 9 ms to each start and takes 10 ms instead of
// 0.7 ms for 2 KB of code; nor can it go on in the middle of a text from a state of a few bytes.
package render

import (
	"bytes"
	"html"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// Blocks returns the blocks of a whole text of Markdown.
func Blocks(text string) (blocks []Block) {
	var s Splitter
	return whole(&s, text)
}

// CodeBlocks returns the blocks of a whole text of code.
func CodeBlocks(language, text string) []Block { return whole(NewCode(language), text) }

func whole(s *Splitter, text string) (blocks []Block) {
	add := func(b Block) { blocks = append(blocks, b) }
	s.Append(text, add)
	s.Finish(add)
	return blocks
}

// HTML returns a block as HTML.
func (b Block) HTML() string {
	if b.Code {
		var out strings.Builder
		appendCode(&out, b.Language, b.Text, b.state)
		return Sanitize(out.String())
	}
	return Sanitize(markdownHTML(b))
}

// Plain returns a text as HTML that shows it as it is.
func Plain(text string) string {
	return Sanitize("<p>" + html.EscapeString(text) + "</p>")
}

// maxNesting bounds the signs of quotes and lists at the beginning of a line: a parser's work
// grows with their square.
const maxNesting = 100

// markdownHTML renders Markdown. A defect of the parser shows the text as it is.
func markdownHTML(b Block) (out string) {
	defer func() {
		if recover() != nil {
			out = "<pre><code>" + html.EscapeString(b.Text) + "</code></pre>"
		}
	}()
	source := []byte(flattened(b.Text))
	r := converter()
	root := r.Parser().Parse(text.NewReader(source))
	if first, ok := root.FirstChild().(*ast.List); ok && b.start > 0 && first.IsOrdered() {
		first.Start = b.start
	}
	var buf bytes.Buffer
	if err := r.Renderer().Render(&buf, source, root); err != nil {
		panic(err)
	}
	return buf.String()
}

// flattened returns a text whose lines are not nested more than maxNesting deep.
func flattened(text string) string {
	const signs = "> \t-+*"
	var out strings.Builder
	changed := false
	for line := range strings.Lines(text) {
		rest := strings.TrimLeft(line, signs)
		if nested := line[:len(line)-len(rest)]; len(nested) > maxNesting && strings.Trim(nested, " \t") != "" {
			line, changed = nested[:maxNesting]+rest, true
		}
		out.WriteString(line)
	}
	if !changed {
		return text
	}
	return out.String()
}
