package composer

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// segment is the part of the text that stands on one row.
type segment struct{ from, to int }

// tab is shown for a tab.
const tab = "    "

// layout breaks the text into rows of at most width-1 cells, so that the caret
// has a position after the last character.
func (c *Composer) layout(width int) {
	if c.width == width && !c.stale && c.rows != nil {
		return
	}
	c.width, c.stale, c.rows = width, false, c.rows[:0]
	room := max(width-1, 1)
	from, cells, space := 0, 0, -1
	for i := 0; i < len(c.text); {
		if c.text[i] == '\n' {
			c.rows = append(c.rows, segment{from, i})
			i++
			from, cells, space = i, 0, -1
			continue
		}
		n := clusterLen(c.text[i:])
		w := c.cellsOf(c.text[i : i+n])
		for cells+w > room && i > from {
			end := i
			if space > from {
				end = space
			}
			c.rows = append(c.rows, segment{from, end})
			from, space = end, -1
			cells = c.cellsOf(c.text[from:i])
		}
		cells += w
		i += n
		if c.text[i-1] == ' ' {
			space = i
		}
	}
	c.rows = append(c.rows, segment{from, len(c.text)})
}

func (c *Composer) cellsOf(s string) int { return ansi.StringWidth(c.shown(s)) }

// caretRow is the row that the caret stands on. At a break inside a line it
// belongs to the row that begins there.
func (c *Composer) caretRow() int {
	for i := len(c.rows) - 1; i > 0; i-- {
		if c.caret >= c.rows[i].from {
			return i
		}
	}
	return 0
}

// Height is the number of rows that the text takes at a width.
func (c *Composer) Height(width int) int {
	c.layout(width)
	return len(c.rows)
}

// View returns the rows in sight, height at most, and where the caret stands
// among them.
func (c *Composer) View(width, height int) (rows []string, caretRow, caretColumn int) {
	c.layout(width)
	at := c.caretRow()
	c.top = min(c.top, at, max(len(c.rows)-height, 0))
	if at >= c.top+height {
		c.top = at - height + 1
	}
	for _, r := range c.rows[c.top:min(c.top+height, len(c.rows))] {
		rows = append(rows, strings.TrimRight(c.shown(c.text[r.from:r.to]), " "))
	}
	return rows, at - c.top, c.cellsOf(c.text[c.rows[at].from:c.caret])
}

// Up moves the caret one row up; false if it stands on the first.
func (c *Composer) Up(width int) bool { return c.vertical(width, -1) }

// Down moves the caret one row down; false if it stands on the last.
func (c *Composer) Down(width int) bool { return c.vertical(width, 1) }

func (c *Composer) vertical(width, by int) bool {
	c.layout(width)
	at := c.caretRow()
	to := at + by
	if to < 0 || to >= len(c.rows) {
		return false
	}
	goal := c.goal
	if goal < 0 {
		goal = c.cellsOf(c.text[c.rows[at].from:c.caret])
	}
	row := c.rows[to]
	caret, cells := row.from, 0
	soft := to+1 < len(c.rows) && c.rows[to+1].from == row.to
	for caret < row.to {
		n := clusterLen(c.text[caret:row.to])
		w := c.cellsOf(c.text[caret : caret+n])
		if cells+w > goal || (soft && caret+n == row.to) {
			break // the position after a soft break belongs to the next row
		}
		caret, cells = caret+n, cells+w
	}
	c.caret, c.goal = caret, goal
	return true
}
