package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/paint"
	"chat/internal/term/theme"
	"chat/tui/composer"
	"chat/tui/keymap"
	"chat/tui/lists"
	"chat/tui/status"
)

// The smallest screen that anything can be shown on.
const (
	minWidth  = 20
	minHeight = 6
	roomy     = 12  // from this height on there are rules under the header and above the status
	wide      = 100 // from this width on there is room for the id of the running task
)

func (m *Model) tiny() bool { return m.width < minWidth || m.height < minHeight }

// promptMark is the mark before the input. It shows what enter will do with the
// text.
func (m *Model) promptMark() string {
	label := ""
	switch b := m.conversation.Branch(); {
	case m.question != nil:
		label = m.question.label + " "
	case b != nil:
		label = b.Label + " "
	}
	return " " + ansi.Truncate(label, m.width/2, "… ") + "> "
}

// editing is the text that is being edited.
func (m *Model) editing() *composer.Composer {
	if m.question != nil {
		return &m.question.input
	}
	return &m.input.Composer
}

func (m *Model) inputWidth() int { return m.width - ansi.StringWidth(m.promptMark()) }

func (m *Model) inputHeight() int {
	return max(1, min(m.editing().Height(m.inputWidth()), m.height/3))
}

// bodyHeight is the number of rows between the header and the input.
func (m *Model) bodyHeight() int {
	const header, rule, status = 1, 1, 1
	h := m.height - header - rule - m.inputHeight() - status
	if m.height >= roomy {
		h -= 2 * rule
	}
	return max(h, 0)
}

// layout lays out what is in sight.
func (m *Model) layout() {
	if !m.tiny() {
		m.conversation.Layout(m.width, m.bodyHeight())
	}
}

// View is the whole screen, and at its end the position of the caret for the
// terminal's own cursor.
func (m *Model) View() string {
	if m.width == 0 {
		return ""
	}
	if m.tiny() {
		return m.tooSmall()
	}
	rule := theme.Paint(strings.Repeat("─", m.width), m.theme.Rule)
	rows := make([]string, 0, m.height)
	rows = append(rows, m.header())
	if m.height >= roomy {
		rows = append(rows, rule)
	}
	top := len(rows)
	body, caretRow, caretColumn := m.body()
	rows = append(append(rows, body...), status.Divider(m.theme, m.width, m.badge()))
	prompt := m.promptMark()
	input, row, column := m.editing().View(m.inputWidth(), m.inputHeight())
	caret := paint.Caret(len(rows)+row, len(prompt)+column)
	for i, line := range input {
		mark := strings.Repeat(" ", len(prompt))
		if i == 0 {
			mark = theme.Paint(prompt, m.theme.Prompt)
		}
		rows = append(rows, mark+line)
	}
	if m.height >= roomy {
		rows = append(rows, rule)
	}
	switch m.focus() {
	case keymap.Choosing:
		caret = paint.Caret(top+caretRow, caretColumn)
	case keymap.Reading, keymap.Helping:
		caret = paint.NoCaret
	case keymap.Anywhere, keymap.Writing, keymap.Asked:
	}
	rows = append(rows, m.lastRow()+caret)
	return strings.Join(rows, "\n")
}

// tooSmall shows a message in the available rows.
func (m *Model) tooSmall() string {
	text := fmt.Sprintf("too small: %d×%d, of %d×%d", m.width, m.height, minWidth, minHeight)
	if n := len(m.server.Running()); n > 0 {
		text += fmt.Sprintf(" (%d running)", n)
	}
	rows := strings.Split(ansi.Wrap(text, m.width, ""), "\n")
	for len(rows) < m.height {
		rows = append(rows, "")
	}
	return strings.Join(rows[:m.height], "\n") + paint.NoCaret
}

func (m *Model) header() string {
	model := m.modelName()
	return status.Header{
		Title: m.conversation.Title(), Model: model, Parameters: m.parameterLabel(), Host: m.host,
		Usage: m.usage.Label(model, m.conversation.Usage()), Running: len(m.server.Running()),
	}.View(m.theme, m.width)
}

// body is exactly the rows between the header and the input, and the position of
// the caret of a list among them.
func (m *Model) body() (rows []string, caretRow, caretColumn int) {
	height := m.bodyHeight()
	switch list := m.list.Current(); {
	case m.help != nil:
		return m.help.View(m.keys.HelpRows(m.theme, m.width), m.keys.MoreKey(), m.theme, m.width, height), 0, 0
	case list != nil && height > 0:
		return list.View(m.theme, m.width, height)
	}
	rows = append(rows, m.conversation.Rows()...)
	if len(rows) == 0 && height > 0 {
		rows = append(rows, theme.Paint(ansi.Truncate(m.welcome(), m.width, "…"), m.theme.Dim))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	rows = rows[:height]
	if m.focus() == keymap.Writing {
		rows = m.input.Overlay(rows, m.theme, m.width)
	}
	return rows, 0, 0
}

func (m *Model) welcome() string {
	if m.conversation.Loading() {
		return "   opening…"
	}
	return "   A new conversation. Answers continue when you leave."
}

// badge tells a reader who has scrolled up how many rows follow.
func (m *Model) badge() string {
	focus := keymap.Writing
	if m.conversation.Reading() {
		focus = keymap.Reading
	}
	switch n := m.conversation.Unread(); {
	case m.help != nil || m.list.Current() != nil:
	case n > 0:
		return fmt.Sprintf(" ↓ %d new lines  %s ", n, m.keys.HintAt(focus, "end"))
	case !m.conversation.AtEnd():
		return fmt.Sprintf(" ↓ more below  %s ", m.keys.HintAt(focus, "end"))
	}
	return ""
}

// lastRow is a notice or hints, and always the connection.
func (m *Model) lastRow() string {
	var label status.Label
	label.Text, label.SGR, label.Urgent = m.server.Label(m.theme, m.style.Now)
	if item := m.conversation.Busy(); item != nil && !label.Urgent && m.width >= wide {
		label.Text = lists.ShortID(item.TaskID) + "  " + label.Text // for chat attach
	}
	return m.status.View(m.theme, m.width, label, func(room int) string {
		return m.keys.Hints(m, m.focus(), room)
	})
}
