package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/tui/sanitize"
	"chat/tui/theme"
)

// The smallest screen that anything can be shown on.
const (
	minWidth  = 20
	minHeight = 6
	roomy     = 12 // from this height on there are rules under the header and above the status
)

const promptMark = " > "

func (m *Model) tiny() bool { return m.width < minWidth || m.height < minHeight }

func (m *Model) inputWidth() int { return m.width - len(promptMark) }

func (m *Model) inputHeight() int {
	return max(1, min(m.input.Height(m.inputWidth()), m.height/3))
}

// bodyHeight is the rows between the header and the input.
func (m *Model) bodyHeight() int {
	const header, rule, status = 1, 1, 1
	h := m.height - header - rule - m.inputHeight() - status
	if m.height >= roomy {
		h -= 2 * rule
	}
	return max(h, 0)
}

// arrange lays out what is in sight.
func (m *Model) arrange() {
	if m.tiny() {
		return
	}
	m.list.Resize(m.width, m.bodyHeight())
	m.list.Settle()
}

// View is the whole screen, and at its end the caret's place for the terminal's
// own cursor.
func (m *Model) View() string {
	if m.width == 0 {
		return ""
	}
	if m.tiny() {
		return ansi.Truncate("the terminal is too small", m.width, "")
	}
	rule := theme.Paint(strings.Repeat("─", m.width), m.theme.Rule)
	rows := make([]string, 0, m.height)
	rows = append(rows, m.header())
	if m.height >= roomy {
		rows = append(rows, rule)
	}
	top := len(rows)
	body, caret := m.body()
	rows = append(append(rows, body...), m.divider())
	input, row, column := m.input.View(m.inputWidth(), m.inputHeight())
	place := marker(len(rows)+row, len(promptMark)+column)
	for i, line := range input {
		mark := strings.Repeat(" ", len(promptMark))
		if i == 0 {
			mark = theme.Paint(promptMark, m.theme.Prompt)
		}
		rows = append(rows, mark+line)
	}
	if m.height >= roomy {
		rows = append(rows, rule)
	}
	switch m.where() {
	case choosing:
		place = marker(top, caret)
	case reading, helping:
		place = hidden
	case anywhere, writing:
	}
	rows = append(rows, m.status()+place)
	return strings.Join(rows, "\n")
}

// body is what stands between the header and the input, exactly as many rows as
// there are; caret is the column in its first row, for a picker.
func (m *Model) body() (rows []string, caret int) {
	height := m.bodyHeight()
	switch {
	case m.help != nil:
		return m.helpView(m.width, height), 0
	case m.picker != nil:
		return m.picker.view(m.theme, m.width, height)
	}
	rows = append(rows, m.list.Rows()...)
	if len(m.messages) == 0 && height > 0 {
		rows = append(rows, theme.Paint(ansi.Truncate(m.welcome(), m.width, "…"), m.theme.Dim))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return rows[:height], 0
}

func (m *Model) welcome() string {
	if m.loading {
		return "   opening…"
	}
	return "   A new conversation. Answers go on when you leave."
}

// header names the program, the conversation, the model and the server, and on
// the right how many tasks run.
func (m *Model) header() string {
	right := ""
	if n := len(m.running); n > 0 {
		right = fmt.Sprintf("● %d running ", n)
	}
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
		strings.Repeat(" ", max(free, 0)+1) + theme.Paint(right, m.theme.Good)
}

// divider is the rule above the input. It tells a reader who has scrolled up
// what has come meanwhile.
func (m *Model) divider() string {
	badge := ""
	switch n := m.list.Unread(); {
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
	if m.reading {
		return "G"
	}
	return "end"
}

// status is the last row: a notice or hints, and always the connection.
func (m *Model) status() string {
	label, sgr, urgent := m.link.label(m.theme, m.look.Now)
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
		if b.hint == "" || (b.where != where && (b.where != anywhere || where > reading)) || (b.when != nil && !b.when(m)) {
			continue
		}
		next := b.keys[0] + " " + b.hint
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
