package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/tui/theme"
)

// helpPage is the open help.
type helpPage struct{ top int }

func (h *helpPage) scroll(by int) { h.top = max(h.top+by, 0) }

// helpRows lists the keys, straight from the table.
func (m *Model) helpRows(width int) []string {
	rows := []string{theme.Paint(" Keys", m.theme.Title)}
	sections := []struct {
		where place
		title string
	}{{writing, "in the input"}, {reading, "in the transcript"}, {anywhere, "everywhere"}}
	for _, s := range sections {
		rows = append(rows, "", theme.Paint(" "+s.title, m.theme.Dim))
		for _, b := range m.keys {
			if b.where != s.where || b.what == "" {
				continue
			}
			keys := strings.Join(b.keys, ", ")
			row := "   " + theme.Paint(keys, m.theme.Key) + strings.Repeat(" ", max(20-ansi.StringWidth(keys), 2)) + b.what
			rows = append(rows, ansi.Truncate(row, width, "…"))
		}
	}
	return rows
}

func (m *Model) helpView(width, height int) []string {
	rows := m.helpRows(width)
	m.help.top = min(m.help.top, max(len(rows)-height, 0))
	rows = rows[m.help.top:]
	if len(rows) > height {
		rows = rows[:height]
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return rows
}
