package markdown

import (
	"bytes"
	"slices"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// openTable is a table at the top level to which rows may still be added. None of
// its screen rows is final, because a wider cell moves all columns. Complete table
// rows are parsed once, and laid out again only when a column has become wider.
type openTable struct {
	head []byte // its header and its delimiter row
	end  int    // offset in the source after the last complete row
	grid grid   // of the complete rows, with natural widths

	fitted []int // the widths that rows were laid out for
	fits   bool
	rows   []string // of grid.cells[:laid]
	laid   int
}

// openTable returns the table if the region consists of one, or nil. The region
// ends with a line end.
func (s *Stream) openTable(region []byte) *openTable {
	line := bytes.IndexByte(region, '\n') + 1
	line += bytes.IndexByte(region[line:], '\n') + 1
	t := &openTable{head: region[:line:line], end: s.start + len(region)}
	if table := onlyTable(parse(t.head, s.links.context(false))); table == nil || table.ChildCount() != 1 {
		return nil
	}
	table := onlyTable(parse(region, s.links.context(false)))
	if table == nil {
		return nil
	}
	l := layout{src: region, style: s.style}
	t.grid = l.grid(table)
	return t
}

// onlyTable returns the table if it is the whole document, or nil. The parser
// counts the children of a document with a table wrongly.
func onlyTable(doc ast.Node) *extast.Table {
	table, ok := doc.FirstChild().(*extast.Table)
	if !ok || table.NextSibling() != nil || len(table.Alignments) == 0 {
		return nil
	}
	return table
}

// cells returns the cells of one line of the table, or nil if the line may be
// something else. A row does not depend on the rows before it, so it is parsed
// after the header alone.
func (s *Stream) cells(line []byte) [][]span {
	src := slices.Concat(s.table.head, line)
	table := onlyTable(parse(src, s.links.context(false)))
	if table == nil || table.ChildCount() != 2 {
		return nil
	}
	l := layout{src: src, style: s.style}
	return l.grid(table).cells[1]
}

// advanceTable adds complete lines. It reports whether all of them are rows of the
// table.
func (s *Stream) advanceTable() bool {
	t := s.table
	for {
		end := bytes.IndexByte(s.src[t.end:], '\n') + 1
		if end == 0 {
			return true
		}
		cells := s.cells(s.src[t.end : t.end+end])
		if cells == nil {
			return false
		}
		t.grid.add(cells)
		t.end += end
	}
}

// placeTable appends the rows of the open table. It reports false if the unfinished
// line may be something else.
func (s *Stream) placeTable() bool {
	t := s.table
	g := grid{cells: t.grid.cells, align: t.grid.align, widths: slices.Clone(t.grid.widths)}
	if line := s.src[t.end:]; len(line) > 0 {
		cells := s.cells(line)
		if cells == nil {
			return false
		}
		g.cells = slices.Clip(g.cells)
		g.add(cells)
	}
	fits := g.fit(s.width)
	l := layout{style: s.style}
	if len(g.cells) == 1 {
		s.rows = appendBlock(s.rows, l.gridRows(g, fits, s.width))
		return true
	}
	if fits != t.fits || !slices.Equal(g.widths, t.fitted) {
		t.fits, t.fitted, t.rows, t.laid = fits, g.widths, nil, 0
	}
	for ; t.laid < len(t.grid.cells); t.laid++ {
		t.rows = l.gridRow(t.rows, g, t.laid, fits, s.width)
	}
	rows := t.rows
	if len(g.cells) > t.laid {
		rows = l.gridRow(slices.Clip(rows), g, t.laid, fits, s.width)
	}
	s.rows = appendBlock(s.rows, rows)
	return true
}
