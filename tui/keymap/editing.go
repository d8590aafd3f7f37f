package keymap

import tea "github.com/charmbracelet/bubbletea"

// Editor is a text that keys edit.
type Editor interface {
	Left()
	Right()
	WordLeft()
	WordRight()
	Home()
	End()
	Backspace()
	Delete()
	DeleteWord()
	DeleteToHome()
}

// Editing are the keys of a line or more of text. The names of actions begin with prefix; those
// with a prefix are not in the help.
func Editing[M any](focus Focus, prefix string, input func(M) Editor) Table[M] {
	edit := func(f func(Editor)) func(M) tea.Cmd {
		return func(m M) tea.Cmd { f(input(m)); return nil }
	}
	rows := Table[M]{
		{Name: "left", Keys: []string{"left"}, Do: edit(Editor.Left)},
		{Name: "right", Keys: []string{"right"}, Do: edit(Editor.Right)},
		{Name: "word-left", Keys: []string{"alt+left", "ctrl+left", "alt+b"}, Do: edit(Editor.WordLeft)},
		{Name: "word-right", Keys: []string{"alt+right", "ctrl+right", "alt+f"}, Do: edit(Editor.WordRight)},
		{Name: "line-start", Keys: []string{"home", "ctrl+a"}, Do: edit(Editor.Home)},
		{Name: "line-end", Keys: []string{"end", "ctrl+e"}, Do: edit(Editor.End)},
		{Name: "backspace", Keys: []string{"backspace", "ctrl+h"}, Do: edit(Editor.Backspace)},
		{Name: "delete", Keys: []string{"delete", "ctrl+d"}, Do: edit(Editor.Delete)},
		{Name: "delete-word", Basic: true, Keys: []string{"ctrl+w", "alt+backspace"}, What: "delete a word", Do: edit(Editor.DeleteWord)},
		{Name: "delete-to-start", Basic: true, Keys: []string{"ctrl+u"}, What: "delete to the start of the line", Do: edit(Editor.DeleteToHome)},
	}
	for i := range rows {
		rows[i].Focus = focus
		if prefix != "" {
			rows[i].Name, rows[i].What = prefix+rows[i].Name, ""
		}
	}
	return rows
}
