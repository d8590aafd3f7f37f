package tui

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/theme"
)

// helpPage is the open help.
type helpPage struct {
	top  int
	more bool // below what is shown
}

func (h *helpPage) scroll(by int) { h.top = max(h.top+by, 0) }

// keyColumn is the width of the keys in the help.
const keyColumn = 24

// helpRows lists the keys, straight from the table.
func (m *Model) helpRows(width int) []string {
	rows := []string{theme.Paint(" Keys", m.theme.Title)}
	sections := []struct {
		where place
		title string
	}{{writing, "in the input"}, {reading, "in the transcript"}, {choosing, "in a list"}, {anywhere, "everywhere"}}
	for _, s := range sections {
		rows = append(rows, "", theme.Paint(" "+s.title, m.theme.Dim))
		for _, b := range m.keys {
			if b.where == s.where && b.what != "" {
				rows = append(rows, m.helpRow(b, width)...)
			}
		}
	}
	return rows
}

// helpRow is a key and what it does; on a narrow screen that stands below it.
func (m *Model) helpRow(b binding, width int) []string {
	keys := strings.Join(shownAll(b.keys), ", ")
	if keys == "" {
		keys = "(in the commands)"
	}
	lead := "   " + theme.Paint(keys, m.theme.Key)
	gap := max(keyColumn-ansi.StringWidth(keys), 2)
	if 3+ansi.StringWidth(keys)+gap+ansi.StringWidth(b.what) <= width {
		return []string{lead + strings.Repeat(" ", gap) + b.what}
	}
	rows := []string{ansi.Truncate(lead, width, "…")}
	for _, line := range strings.Split(ansi.Wrap(b.what, max(width-6, 1), ""), "\n") {
		rows = append(rows, "      "+line)
	}
	return rows
}

// moreKey is the key that goes on in the help.
func (m *Model) moreKey() string {
	for _, b := range m.keys {
		if b.name == "help-down" && slices.Contains(b.keys, "pgdown") {
			return "pgdn"
		}
	}
	return m.hint("help-down")
}

// helpView is the part of the help that fits. Its last row says that there is
// more.
func (m *Model) helpView(width, height int) []string {
	rows := m.helpRows(width)
	m.help.top = min(m.help.top, max(len(rows)-height, 0))
	rest := rows[m.help.top:]
	m.help.more = len(rest) > height
	if m.help.more && height > 1 {
		below := ansi.Truncate(" ↓ more below: "+m.moreKey(), width, "…")
		rest = append(rest[:height-1:height-1], theme.Paint(below, m.theme.Warn))
	}
	for len(rest) < height {
		rest = append(rest, "")
	}
	return rest[:height]
}
