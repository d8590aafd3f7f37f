package tui

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"chat/internal/term/paint"
	"chat/internal/term/theme"
	"chat/tui/composer"
)

// The smallest screen that anything can be shown on.
const (
	minWidth  = 20
	minHeight = 6
	roomy     = 12 // from this height on there are rules under the header and above the status
)

func (m *Model) tiny() bool { return m.width < minWidth || m.height < minHeight }

// prompt is what stands in front of the input: what will become of the line.
func (m *Model) promptMark() string {
	label := ""
	switch {
	case m.question != nil:
		label = m.question.label + " "
	case m.branch != nil:
		label = m.branch.label + " "
	}
	return " " + ansi.Truncate(label, m.width/2, "… ") + "> "
}

// editor is the text that is being edited.
func (m *Model) editor() *composer.Composer {
	if m.question != nil {
		return &m.question.input
	}
	return &m.input
}

func (m *Model) inputWidth() int { return m.width - ansi.StringWidth(m.promptMark()) }

func (m *Model) inputHeight() int {
	return max(1, min(m.editor().Height(m.inputWidth()), m.height/3))
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
	rows = append(append(rows, body...), m.divider())
	prompt := m.promptMark()
	input, row, column := m.editor().View(m.inputWidth(), m.inputHeight())
	place := paint.Caret(len(rows)+row, len(prompt)+column)
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
	switch m.where() {
	case choosing:
		place = paint.Caret(top+caretRow, caretColumn)
	case reading, helping:
		place = paint.NoCaret
	case anywhere, writing, asked:
	}
	rows = append(rows, m.status()+place)
	return strings.Join(rows, "\n")
}

// tooSmall says so in as many rows as there are.
func (m *Model) tooSmall() string {
	text := fmt.Sprintf("too small: %d×%d, of %d×%d", m.width, m.height, minWidth, minHeight)
	if len(m.running) > 0 {
		text += fmt.Sprintf(" (%d running)", len(m.running))
	}
	rows := strings.Split(ansi.Wrap(text, m.width, ""), "\n")
	for len(rows) < m.height {
		rows = append(rows, "")
	}
	return strings.Join(rows[:m.height], "\n") + paint.NoCaret
}

// body is what stands between the header and the input, exactly as many rows as
// there are, and where the caret of a list stands in it.
func (m *Model) body() (rows []string, caretRow, caretColumn int) {
	height := m.bodyHeight()
	switch {
	case m.help != nil:
		return m.helpView(m.width, height), 0, 0
	case m.panel != nil && height > 0:
		return m.panel.View(m.theme, m.width, height)
	}
	rows = append(rows, m.list.Rows()...)
	if len(rows) == 0 && height > 0 {
		rows = append(rows, theme.Paint(ansi.Truncate(m.welcome(), m.width, "…"), m.theme.Dim))
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return m.overlay(rows[:height]), 0, 0
}

func (m *Model) welcome() string {
	if m.loading {
		return "   opening…"
	}
	return "   A new conversation. Answers go on when you leave."
}
