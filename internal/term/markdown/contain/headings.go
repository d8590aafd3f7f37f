package contain

import (
	"bytes"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// edit replaces a part of a source.
type edit struct {
	from, to int
	with     string
}

// moveHeadings moves all headings of a text down, so that the highest ones have the
// level of a part. It turns underlined headings into marked ones.
func moveHeadings(src []byte, p parser.Parser) []byte {
	headings := nodesOf[*ast.Heading](p.Parse(text.NewReader(src)))
	highest := deepestLevel
	for _, h := range headings {
		highest = min(highest, h.Level)
	}
	if highest >= partLevel {
		return src
	}
	var edits []edit
	for _, h := range headings {
		level := min(h.Level+partLevel-highest, deepestLevel)
		edits = append(edits, moveHeading(src, h, level)...)
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return b.from - a.from })
	for _, e := range edits {
		src = slices.Concat(src[:e.from], []byte(e.with), src[e.to:])
	}
	return src
}

// moveHeading returns the edits that give a heading another level.
func moveHeading(src []byte, h *ast.Heading, level int) []edit {
	lines := h.Lines()
	at := h.Pos()
	if lines.Len() > 0 {
		at = lines.At(0).Start
	}
	if at < 0 || at > len(src) {
		return nil
	}
	begin := lineStart(src, at)
	end := begin + len(lineAt(src, begin))
	if lines.Len() == 0 { // no text before the marks
		if first := bytes.IndexByte(src[begin:end], '#'); first >= 0 {
			at = begin + first + h.Level
		}
	}
	if marks := bytes.LastIndexByte(src[begin:at], '#'); marks >= 0 && strings.Trim(string(src[begin+marks+1:at]), " \t") == "" {
		return []edit{{begin + marks + 1, begin + marks + 1, strings.Repeat("#", max(level-h.Level, 0))}}
	}
	if lines.Len() == 0 {
		return nil
	}
	edits := []edit{{at, at, strings.Repeat("#", level) + " "}}
	for i := 1; i < lines.Len(); i++ { // its lines become one
		before := lines.At(i - 1)
		edits = append(edits, edit{len(bytes.TrimRight(src[:before.Stop], " \t\n")), lines.At(i).Start, " "})
	}
	last := lines.At(lines.Len() - 1)
	under := lineStart(src, max(last.Stop-1, 0))
	under += len(lineAt(src, under)) + 1
	if under >= len(src) {
		return nil
	}
	underline := lineAt(src, under)
	if i := bytes.IndexAny(underline, "=-"); i >= 0 {
		edits = append(edits, edit{under + i, under + len(underline), ""})
	}
	return edits
}

// lineAt is the line that begins at an offset, without its end.
func lineAt(src []byte, at int) []byte {
	line, _, _ := bytes.Cut(src[at:], []byte("\n"))
	return line
}

// lineStart is the offset of the beginning of the line that an offset is in.
func lineStart(src []byte, at int) int { return bytes.LastIndexByte(src[:at], '\n') + 1 }
