package keymap

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/theme"
)

// Help is the help page while it is open.
type Help struct{ top int }

// Scroll moves the page by rows.
func (h *Help) Scroll(by int) { h.top = max(h.top+by, 0) }

// View is the part of the help that fits. The last row says when there is more.
func (h *Help) View(rows []string, more string, th theme.Theme, width, height int) []string {
	h.top = min(h.top, max(len(rows)-height, 0))
	rest := rows[h.top:]
	if len(rest) > height && height > 1 {
		below := ansi.Truncate(" ↓ more below: "+more, width, "…")
		rest = append(rest[:height-1:height-1], theme.Paint(below, th.Warn))
	}
	for len(rest) < height {
		rest = append(rest, "")
	}
	return rest[:height]
}

// keyColumn is the width of the keys in the help.
const keyColumn = 24

// HelpRows are the keys of the table with what they do.
func (t Table[M]) HelpRows(th theme.Theme, width int) []string {
	rows := []string{theme.Paint(" Keys", th.Title)}
	sections := []struct {
		focus Focus
		title string
	}{{Writing, "in the input"}, {Reading, "in the transcript"}, {Choosing, "in a list"}, {Anywhere, "everywhere"}}
	for _, s := range sections {
		rows = append(rows, "", theme.Paint(" "+s.title, th.Dim))
		for i := range t {
			if b := &t[i]; b.Focus == s.focus && b.What != "" {
				rows = append(rows, b.helpRow(th, width)...)
			}
		}
	}
	return rows
}

// helpRow is a key and what it does. On a narrow screen the text is below the key.
func (b *Binding[M]) helpRow(th theme.Theme, width int) []string {
	keys := strings.Join(ShownAll(b.Keys), ", ")
	if keys == "" {
		keys = "(in the commands)"
	}
	lead := "   " + theme.Paint(keys, th.Key)
	gap := max(keyColumn-ansi.StringWidth(keys), 2)
	if 3+ansi.StringWidth(keys)+gap+ansi.StringWidth(b.What) <= width {
		return []string{lead + strings.Repeat(" ", gap) + b.What}
	}
	rows := []string{ansi.Truncate(lead, width, "…")}
	for _, line := range strings.Split(ansi.Wrap(b.What, max(width-6, 1), ""), "\n") {
		rows = append(rows, "      "+line)
	}
	return rows
}

// MoreKey is the key that scrolls the help down.
func (t Table[M]) MoreKey() string {
	for i := range t {
		if t[i].Name == "help-down" && slices.Contains(t[i].Keys, "pgdown") {
			return "pgdn"
		}
	}
	return t.Hint("help-down")
}
