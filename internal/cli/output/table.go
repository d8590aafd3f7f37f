package output

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"chat/internal/term/sanitize"
)

// Column is a column of a table, with its behaviour on a narrow terminal.
type Column struct {
	Head      string
	MinWidth  int // the width to which it may be cut; 0: never cut
	DropOrder int // 1 is dropped first; 0 is never dropped
	// Wrap wraps the column instead of cutting it. It must be the last one.
	Wrap bool
}

const columnGap = 2

// WriteTable writes rows in columns. It sanitizes the cells. Rows are cut to fit a
// terminal; a file or a pipe gets complete cells.
func WriteTable(f *os.File, columns []Column, rows [][]string) error {
	for _, row := range rows {
		for i, cell := range row {
			if row[i] = sanitize.Line(cell); row[i] == "" {
				row[i] = "-"
			}
		}
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.Head
	}
	if strings.Join(heads, "") != "" {
		rows = append([][]string{heads}, rows...)
	}
	widths := make([]int, len(columns))
	for i := range columns {
		for _, row := range rows {
			widths[i] = max(widths[i], ansi.StringWidth(row[i]))
		}
	}
	natural := slices.Clone(widths)
	if width, _, err := term.GetSize(f.Fd()); err == nil && width > 0 && term.IsTerminal(f.Fd()) {
		widths = fit(columns, widths, width)
	}
	end, indent := len(columns)-1, 0
	if columns[end].Wrap {
		widths[end] = natural[end]
		indent = rowWidth(widths[:end]) + columnGap
	}
	for _, row := range rows {
		text := line(row, widths)
		if width, _, err := term.GetSize(f.Fd()); columns[end].Wrap && err == nil && width > indent*2 && term.IsTerminal(f.Fd()) {
			text = line(row[:end], widths[:end])
			text += strings.Repeat(" ", max(indent-ansi.StringWidth(text), 0)) + wrap(row[end], width, indent)
		}
		if _, err := fmt.Fprintln(f, text); err != nil {
			return err
		}
	}
	return nil
}

// line formats a row. It omits columns of width 0.
func line(row []string, widths []int) string {
	var b strings.Builder
	for i, cell := range row {
		if widths[i] == 0 {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(strings.Repeat(" ", columnGap))
		}
		cell = ansi.Truncate(cell, widths[i], "…")
		b.WriteString(cell + strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)))
	}
	return strings.TrimRight(b.String(), " ")
}

// fit returns column widths for a row of at most width cells. It cuts the widest columns
// first, and drops columns by their DropOrder.
func fit(columns []Column, natural []int, width int) []int {
	left := slices.Clone(natural)
	least := make([]int, len(columns))
	for drop := 0; ; drop++ {
		for i, c := range columns {
			if c.DropOrder > 0 && c.DropOrder <= drop {
				left[i] = 0
			}
			least[i] = left[i]
			if c.MinWidth > 0 {
				least[i] = min(left[i], c.MinWidth)
			}
		}
		if widths := cut(left, least, width); rowWidth(widths) <= width {
			return widths
		}
		if !slices.ContainsFunc(columns, func(c Column) bool { return c.DropOrder > drop }) {
			break
		}
	}
	for i := range least { // the terminal is extremely narrow
		least[i] = min(left[i], 1)
	}
	return cut(left, least, width)
}

// cut narrows the widest columns, but none below least, until a row fits width.
func cut(widths, least []int, width int) []int {
	widths = slices.Clone(widths)
	for excess := rowWidth(widths) - width; excess > 0; excess-- {
		widest := -1
		for i, w := range widths {
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		widths[widest]--
	}
	return widths
}

func rowWidth(widths []int) int {
	total := -columnGap
	for _, w := range widths {
		if w > 0 {
			total += w + columnGap
		}
	}
	return total
}
