package markdown

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

const (
	columnGap    = 3 // " │ "
	columnNarrow = 4 // a column is not squeezed below this width
)

// grid is a table's cells, row by row; the first row is the header.
type grid struct {
	cells  [][][]span
	align  []extast.Alignment
	widths []int // natural, then fitted
}

func (l *layout) table(t *extast.Table, width int) []string {
	g := l.grid(t)
	if len(g.widths) == 0 {
		return nil
	}
	fits := g.fit(width)
	return l.gridRows(g, fits, width)
}

// gridRows are the rows of a grid that has been fitted.
func (l *layout) gridRows(g grid, fits bool, width int) []string {
	var out []string
	if !fits && len(g.cells) == 1 {
		for _, c := range g.cells[0] {
			out = append(out, l.flow(c, width)...)
		}
		return out
	}
	for i := range g.cells {
		out = l.gridRow(out, g, i, fits, width)
	}
	return out
}

// gridRow appends the rows that show row i of a grid.
func (l *layout) gridRow(out []string, g grid, i int, fits bool, width int) []string {
	switch {
	case !fits && i == 0:
		return out // each list names the columns
	case !fits:
		return l.listRow(out, g, i, width)
	}
	out = l.tableRow(out, g, g.cells[i])
	if i == 0 {
		out = append(out, paint(g.rule(), l.style.Rule))
	}
	return out
}

func (l *layout) grid(t *extast.Table) grid {
	g := grid{align: t.Alignments, widths: make([]int, len(t.Alignments))}
	for r := t.FirstChild(); r != nil; r = r.NextSibling() {
		sgr := l.style.Body
		if _, head := r.(*extast.TableHeader); head {
			sgr = join(sgr, l.style.Strong)
		}
		cells := make([][]span, len(g.widths))
		i := 0
		for c := r.FirstChild(); c != nil && i < len(cells); c = c.NextSibling() {
			cells[i] = l.inline(c, sgr)
			if i++; i == len(cells) {
				if rest := rowRest(l.src, c); rest != "" {
					cells[i-1] = append(cells[i-1], span{" " + rest, sgr})
				}
			}
		}
		g.add(cells)
	}
	return g
}

// rowRest returns the source of a row after its last cell, for which the header has
// no column.
func rowRest(src []byte, cell ast.Node) string {
	lines := cell.Lines()
	if lines.Len() == 0 {
		return ""
	}
	line, _, _ := bytes.Cut(src[lines.At(lines.Len()-1).Stop:], []byte{'\n'})
	rest := strings.TrimPrefix(strings.TrimSpace(string(line)), "|")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "|"))
}

// add adds a row.
func (g *grid) add(cells [][]span) {
	for i, c := range cells {
		if c != nil {
			g.widths[i] = max(g.widths[i], naturalWidth(c))
		}
	}
	g.cells = append(g.cells, cells)
}

// naturalWidth is the width of the widest row when nothing has to be wrapped.
func naturalWidth(spans []span) int {
	widest := 1
	for _, r := range wrap(spans, 1<<20, false) {
		widest = max(widest, r.width)
	}
	return widest
}

// fit narrows the widest columns until all fit in width. It reports whether the
// columns stay readable.
func (g *grid) fit(width int) bool {
	room := width - columnGap*(len(g.widths)-1)
	total := 0
	for _, w := range g.widths {
		total += w
	}
	for total > room {
		widest := 0
		for i, w := range g.widths {
			if w > g.widths[widest] {
				widest = i
			}
		}
		if g.widths[widest] <= columnNarrow {
			return false
		}
		// Take as much in one step as keeps it the widest, or one cell.
		second := columnNarrow
		for i, w := range g.widths {
			if i != widest {
				second = max(second, w)
			}
		}
		step := max(1, min(total-room, g.widths[widest]-second))
		g.widths[widest] -= step
		total -= step
	}
	return true
}

func (g *grid) rule() string {
	parts := make([]string, len(g.widths))
	for i, w := range g.widths {
		parts[i] = strings.Repeat("─", w)
	}
	return strings.Join(parts, "─┼─")
}

func (l *layout) tableRow(out []string, g grid, cells [][]span) []string {
	columns := make([][]row, len(cells))
	height := 1
	for i, c := range cells {
		columns[i] = wrap(c, g.widths[i], false)
		height = max(height, len(columns[i]))
	}
	bar := " " + paint("│", l.style.Rule) + " "
	for y := range height {
		var b strings.Builder
		for i, column := range columns {
			if i > 0 {
				b.WriteString(bar)
			}
			var r row
			if y < len(column) {
				r = column[y]
			}
			b.WriteString(pad(r, g.widths[i], g.align[i], i == len(columns)-1))
		}
		out = append(out, strings.TrimRight(b.String(), " "))
	}
	return out
}

func pad(r row, width int, align extast.Alignment, last bool) string {
	free := width - r.width
	left := 0
	switch align {
	case extast.AlignRight:
		left = free
	case extast.AlignCenter:
		left = free / 2
	case extast.AlignLeft, extast.AlignNone:
	}
	text := strings.Repeat(" ", left) + r.text
	if last {
		return text
	}
	return text + strings.Repeat(" ", free-left)
}

// listRow shows row i of a table that is too wide for columns as a list of "header:
// cell".
func (l *layout) listRow(out []string, g grid, i, width int) []string {
	if i > 1 {
		out = append(out, paint(strings.Repeat("─", min(width, 8)), l.style.Rule))
	}
	for j, c := range g.cells[i] {
		line := append([]span{}, g.cells[0][j]...)
		line = append(line, span{": ", l.style.Body})
		out = append(out, l.flow(append(line, c...), width)...)
	}
	return out
}
