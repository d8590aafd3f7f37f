package tui

import (
	"regexp"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/sanitize"
	"chat/tui/panel"
)

// choosePalette lists what can be done now, straight from the table of keys.
func (m *Model) choosePalette() tea.Cmd {
	actions := map[string]func(*Model) tea.Cmd{}
	var items []panel.Item
	for _, where := range []place{anywhere, reading, writing} {
		for _, b := range m.keys {
			if b.where != where || b.what == "" || b.motion || actions[b.name] != nil || !b.possible(m) {
				continue
			}
			actions[b.name] = b.do
			items = append(items, panel.Item{ID: b.name, Title: b.what, Detail: strings.Join(shownAll(b.keys), ", "), Hidden: b.name})
		}
	}
	m.show(&openPanel{
		Panel:   &panel.Panel{Title: "Commands", Field: "do"},
		kind:    palettePanel,
		refresh: func() []panel.Item { return items },
		pick:    func(it panel.Item) tea.Cmd { return actions[it.ID](m) },
	})
	return nil
}

// slashed is a message that is one word behind a slash: the name of a command in
// other programs, and hardly what a model is to be asked.
var slashed = regexp.MustCompile(`^/[a-z][a-z-]*$`)

// chooseSlashed offers the commands that fit such a word.
func (m *Model) chooseSlashed(word string) tea.Cmd {
	m.input.Set("")
	cmd := m.choosePalette()
	m.panel.word = word
	m.panel.SetQuery(strings.TrimPrefix(word, "/"))
	if _, found := m.panel.Current(); !found {
		m.say("no command is called " + word + ": " + m.hintAt(choosing, "pick") + " sends it as a message")
		return cmd
	}
	m.say("commands are chosen here; with a space in front, " + word + " is a message")
	return cmd
}

// choosePast searches the prompts of before, the newest first.
func (m *Model) choosePast() tea.Cmd {
	prompts := m.history.prompts
	seen := map[string]bool{}
	var items []panel.Item
	for i := len(prompts) - 1; i >= 0; i-- {
		if seen[prompts[i]] {
			continue
		}
		seen[prompts[i]] = true
		line := strings.Join(strings.Fields(sanitize.Line(prompts[i])), " ")
		items = append(items, panel.Item{ID: strconv.Itoa(i), Title: line})
	}
	m.show(&openPanel{
		Panel:   &panel.Panel{Title: "Earlier prompts", Field: "find", Empty: "nothing was sent yet"},
		kind:    historyPanel,
		refresh: func() []panel.Item { return items },
		pick: func(it panel.Item) tea.Cmd {
			if i, err := strconv.Atoi(it.ID); err == nil && i < len(prompts) {
				m.history.stash, m.history.at = m.input.Value(), len(m.history.prompts)-len(prompts)+i
				m.input.Set(prompts[i])
				m.write()
			}
			return nil
		},
	})
	return nil
}

// toggleMouse lets the mouse's wheel scroll, or the terminal select text.
func (m *Model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	if m.mouse {
		m.say("the wheel scrolls; most terminals select text with shift held")
		return tea.EnableMouseCellMotion
	}
	m.say("the mouse is the terminal's again")
	return tea.DisableMouse
}

// resumed is after another program had the terminal: Bubble Tea brings all modes
// back but the mouse's.
func (m *Model) resumed() tea.Cmd {
	if !m.mouse {
		return nil
	}
	return tea.EnableMouseCellMotion
}

// wheelRows is how far a notch of the wheel goes.
const wheelRows = 3

func (m *Model) wheel(msg tea.MouseMsg) {
	by := wheelRows
	switch msg.Button {
	case tea.MouseButtonWheelUp:
		by = -by
	case tea.MouseButtonWheelDown:
	default:
		return
	}
	switch m.where() {
	case choosing:
		m.panel.Move(by / wheelRows)
	case helping:
		m.help.scroll(by)
	case anywhere, writing, reading, asked:
		m.scroll(by)
	}
}
