package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"chat/internal/term/sanitize"
)

// column is a column of a table, and what becomes of it on a narrow terminal.
type column struct {
	head  string
	least int // it may be cut to so many cells; 0: it is not cut
	drop  int // it is left out first (1), second …; 0: never
	// whole says that the terminal may wrap it: it is the last one, and all of it is wanted.
	whole bool
}

const columnGap = 2

// table writes rows in columns. Cells are made safe for a terminal, and a terminal
// gets rows that fit it; a file or a pipe gets all of every cell.
func table(f *os.File, columns []column, rows [][]string) error {
	for _, row := range rows {
		for i, cell := range row {
			if row[i] = sanitize.Line(cell); row[i] == "" {
				row[i] = "-"
			}
		}
	}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = c.head
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
	if columns[end].whole {
		widths[end] = natural[end]
		indent = rowWidth(widths[:end]) + columnGap
	}
	for _, row := range rows {
		text := line(row, widths)
		if width, _, err := term.GetSize(f.Fd()); columns[end].whole && err == nil && width > indent*2 && term.IsTerminal(f.Fd()) {
			text = line(row[:end], widths[:end])
			text += strings.Repeat(" ", max(indent-ansi.StringWidth(text), 0)) + wrapped(row[end], width, indent)
		}
		if _, err := fmt.Fprintln(f, text); err != nil {
			return err
		}
	}
	return nil
}

// line is a row in its columns; those of no width are left out.
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

// fit makes columns narrower until a row has width cells: it cuts what may be cut,
// widest first, and leaves out what may be left out.
func fit(columns []column, natural []int, width int) []int {
	left := slices.Clone(natural)
	least := make([]int, len(columns))
	for drop := 0; ; drop++ {
		for i, c := range columns {
			if c.drop > 0 && c.drop <= drop {
				left[i] = 0
			}
			least[i] = left[i]
			if c.least > 0 {
				least[i] = min(left[i], c.least)
			}
		}
		if widths := cut(left, least, width); rowWidth(widths) <= width {
			return widths
		}
		if !slices.ContainsFunc(columns, func(c column) bool { return c.drop > drop }) {
			break
		}
	}
	for i := range least { // narrower than anybody's terminal
		least[i] = min(left[i], 1)
	}
	return cut(left, least, width)
}

// cut takes cells from the widest column that has more than it needs at least.
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
