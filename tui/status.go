package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/sanitize"
	"chat/internal/term/theme"
)

// header names the program, the conversation, the model and the server, and on
// the right how many tasks run.
func (m *Model) header() string {
	right, rightSGR := m.usageLabel(), m.theme.Dim
	if right != "" {
		right += " "
	}
	if m.width < 60 && len(m.running) > 0 {
		right = ""
	}
	busy := ""
	if n := len(m.running); n > 0 {
		busy = fmt.Sprintf("● %d running ", n)
		if right != "" {
			busy += "  "
		}
	}
	right = busy + right
	room := m.width - ansi.StringWidth(right) - 1
	left := " chat"
	title := sanitize.Line(m.conversation.Title)
	if title == "" {
		title = "new conversation"
	}
	rest := ""
	for _, part := range []string{m.modelName(), m.host} {
		if part = sanitize.Line(part); part != "" {
			rest += " · " + part
		}
	}
	space := room - len(left) - 2
	if ansi.StringWidth(rest) > space/2 {
		rest = ansi.Truncate(rest, max(space/2, 0), "…")
	}
	title = ansi.Truncate(title, max(space-ansi.StringWidth(rest), 0), "…")
	free := room - len(left) - 2 - ansi.StringWidth(title) - ansi.StringWidth(rest)
	return theme.Paint(left, m.theme.Title) + "  " + title + theme.Paint(rest, m.theme.Dim) +
		strings.Repeat(" ", max(free, 0)+1) + theme.Paint(busy, m.theme.Good) + theme.Paint(right[len(busy):], rightSGR)
}

// divider is the rule above the input. It tells a reader who has scrolled up
// what has come meanwhile.
func (m *Model) divider() string {
	badge := ""
	switch n := m.list.Unread(); {
	case m.help != nil || m.panel != nil:
	case n > 0:
		badge = fmt.Sprintf(" ↓ %d new lines  %s ", n, m.endKey())
	case !m.list.AtEnd():
		badge = fmt.Sprintf(" ↓ more below  %s ", m.endKey())
	}
	badge = ansi.Truncate(badge, m.width, "")
	lead := max(m.width-ansi.StringWidth(badge)-2, 0)
	tail := m.width - lead - ansi.StringWidth(badge)
	return theme.Paint(strings.Repeat("─", lead), m.theme.Rule) + theme.Paint(badge, m.theme.Warn) +
		theme.Paint(strings.Repeat("─", tail), m.theme.Rule)
}

// endKey is the key that goes to the end from where the focus is.
func (m *Model) endKey() string {
	where := writing
	if m.reading {
		where = reading
	}
	return m.hintAt(where, "end")
}

// wide is the width from which on there is room for the id of the running task.
const wide = 100

// status is the last row: a notice or hints, and always the connection.
func (m *Model) status() string {
	label, sgr, urgent := m.link.label(m.theme, m.look.Now)
	if msg := m.busy(); msg != nil && !urgent && m.width >= wide {
		label = shortID(msg.TaskID) + "  " + label // what chat attach takes
	}
	label = ansi.Truncate(label, m.width-2, "…")
	room := m.width - ansi.StringWidth(label) - 3
	left, leftSGR := "", m.theme.Dim
	switch {
	case m.notice.text != "":
		left = m.notice.text
		if m.notice.bad {
			leftSGR = m.theme.Bad
		}
	case !urgent:
		left = m.hints(room - 1)
	}
	left = ansi.Truncate(left, max(room-1, 0), "…")
	free := room - 1 - ansi.StringWidth(left)
	return " " + theme.Paint(left, leftSGR) + strings.Repeat(" ", max(free, 0)+1) + " " + theme.Paint(label, sgr)
}

// hints are the keys worth knowing here, as many as fit.
func (m *Model) hints(room int) string {
	where := m.where()
	var out string
	for _, b := range m.keys {
		if b.hint == "" || len(b.keys) == 0 || (b.where != where && (b.where != anywhere || where > reading)) || !b.possible(m) {
			continue
		}
		next := shown(b.keys[0]) + " " + b.hint
		if out != "" {
			next = out + " · " + next
		}
		if ansi.StringWidth(next) > room {
			break
		}
		out = next
	}
	return out
}
