package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/composer"
)

// bindings is the table of keys.
func bindings() []binding {
	return slices.Concat(completionBindings(), panelBindings(), helpBindings(), writingBindings(), readingBindings(),
		editing(writing, "", func(m *Model) *composer.Composer { return &m.input }),
		questionBindings(),
		editing(asked, "question-", func(m *Model) *composer.Composer { return &m.question.input }),
		commonBindings())
}

// only makes an action of a change that starts no command.
func only(f func(m *Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { f(m); return nil }
}

func both(a, b func(*Model) bool) func(*Model) bool {
	return func(m *Model) bool { return a(m) && b(m) }
}

func inputEmpty(m *Model) bool { return m.input.Empty() }

// endFree: the end key has nothing to do in the input, or has done it.
func endFree(m *Model) bool {
	return m.input.Empty() || m.input.AtEnd() && !m.list.AtEnd()
}

func commonBindings() []binding {
	return []binding{
		{
			name: "interrupt", motion: true, keys: []string{"ctrl+c"}, do: (*Model).interrupt,
			what: "stop the answer; clear the draft; twice when empty: quit",
		},
		{name: "escape", motion: true, keys: []string{"esc"}, what: "close; stop the answer; leave the transcript", do: (*Model).escape},
		{name: "new", keys: []string{"ctrl+n"}, what: "new conversation", hint: "new", do: (*Model).newConversation},
		{name: "conversations", keys: []string{"ctrl+k"}, what: "conversations: find and open", hint: "find", do: (*Model).chooseConversation},
		{name: "palette", motion: true, keys: []string{"ctrl+p"}, what: "commands: all that can be done", hint: "commands", do: (*Model).choosePalette},
		{name: "model", keys: []string{"ctrl+l"}, what: "choose the model", do: (*Model).chooseModel},
		{name: "tasks", keys: []string{"ctrl+b"}, what: "tasks: open or stop them", hint: "tasks", do: (*Model).chooseTask},
		{name: "reasoning", keys: []string{"ctrl+t"}, what: "show or fold the reasoning", do: (*Model).foldReasoning},
		{name: "editor", keys: []string{"ctrl+o"}, what: "write in $EDITOR", do: (*Model).openEditor},
		{name: "history", keys: []string{"ctrl+r"}, what: "search the prompts of before", do: (*Model).choosePast},
		{name: "rename", what: "rename the conversation", when: canRename, do: (*Model).rename},
		{name: "delete-conversation", what: "delete the conversation", when: canDelete, do: (*Model).remove},
		{name: "mouse", keys: []string{"ctrl+y"}, what: "mouse on or off", do: (*Model).toggleMouse},
		{name: "focus", motion: true, keys: []string{"tab"}, what: "move between the input and the transcript", do: (*Model).switchFocus},
		{name: "page-up", motion: true, keys: []string{"pgup"}, what: "scroll up", do: only(func(m *Model) { m.scroll(-m.page()) })},
		{name: "page-down", motion: true, keys: []string{"pgdown"}, what: "scroll down", do: only(func(m *Model) { m.scroll(m.page()) })},
		{name: "undo", keys: []string{"ctrl+z"}, what: "bring the deleted conversation back", when: canUndo, do: (*Model).undo},
		{name: "suspend", keys: []string{"ctrl+z"}, what: "suspend", do: func(*Model) tea.Cmd { return tea.Suspend }},
	}
}

func writingBindings() []binding {
	return []binding{
		{name: "send", motion: true, keys: []string{"enter"}, where: writing, what: "send", hint: "send", do: (*Model).submit},
		{
			name: "newline", motion: true, keys: []string{"ctrl+j", "alt+enter"}, where: writing, what: "newline (shift+enter, where the terminal sends it)",
			hint: "newline", do: only(func(m *Model) { m.insert("\n") }),
		},
		{name: "unfold", where: writing, what: "unfold the paste beside the caret", do: only(func(m *Model) { m.input.Unfold() })},
		{name: "help", keys: []string{"?"}, where: writing, what: "this help", hint: "keys", when: inputEmpty, do: (*Model).openHelp},
		{name: "quit", keys: []string{"ctrl+d"}, where: writing, what: "quit when empty; tasks go on", when: inputEmpty, do: (*Model).quit},
		{name: "end", keys: []string{"end"}, where: writing, when: endFree, do: only(func(m *Model) { m.jumpTo(true) })},
		{name: "top", keys: []string{"home"}, where: writing, when: inputEmpty, do: only(func(m *Model) { m.jumpTo(false) })},
		{name: "up", motion: true, keys: []string{"up"}, where: writing, what: "up a row; from the first one, older prompts", do: (*Model).up},
		{name: "down", motion: true, keys: []string{"down"}, where: writing, what: "down a row; from the last one, newer prompts", do: (*Model).down},
	}
}

// editing are the keys of a line or more of text.
func editing(where place, prefix string, input func(*Model) *composer.Composer) []binding {
	edit := func(f func(*composer.Composer)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(input(m)); return nil }
	}
	rows := []binding{
		{name: "left", keys: []string{"left"}, do: edit((*composer.Composer).Left)},
		{name: "right", keys: []string{"right"}, do: edit((*composer.Composer).Right)},
		{name: "word-left", keys: []string{"alt+left", "ctrl+left", "alt+b"}, do: edit((*composer.Composer).WordLeft)},
		{name: "word-right", keys: []string{"alt+right", "ctrl+right", "alt+f"}, do: edit((*composer.Composer).WordRight)},
		{name: "line-start", keys: []string{"home", "ctrl+a"}, do: edit((*composer.Composer).Home)},
		{name: "line-end", keys: []string{"end", "ctrl+e"}, do: edit((*composer.Composer).End)},
		{name: "backspace", keys: []string{"backspace", "ctrl+h"}, do: edit((*composer.Composer).Backspace)},
		{name: "delete", keys: []string{"delete", "ctrl+d"}, do: edit((*composer.Composer).Delete)},
		{name: "delete-word", motion: true, keys: []string{"ctrl+w", "alt+backspace"}, what: "delete a word", do: edit((*composer.Composer).DeleteWord)},
		{name: "delete-to-start", motion: true, keys: []string{"ctrl+u"}, what: "delete to the line's beginning", do: edit((*composer.Composer).DeleteToHome)},
	}
	for i := range rows {
		rows[i].where = where
		if prefix != "" {
			rows[i].name, rows[i].what = prefix+rows[i].name, ""
		}
	}
	return rows
}

func questionBindings() []binding {
	return []binding{
		{name: "answer", keys: []string{"enter"}, where: asked, hint: "done", do: (*Model).answer},
		{name: "dismiss", keys: []string{"esc", "ctrl+c"}, where: asked, hint: "leave it", do: only(func(m *Model) { m.question = nil })},
	}
}

func readingBindings() []binding {
	by := func(n int, f func(*Model, int) tea.Cmd) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { return f(m, n) }
	}
	return []binding{
		{name: "scroll-up", motion: true, moves: true, keys: []string{"up", "k"}, where: reading, what: "scroll up a row", do: only(func(m *Model) { m.scroll(-1) })},
		{name: "scroll-down", motion: true, moves: true, keys: []string{"down", "j"}, where: reading, what: "scroll down a row", do: only(func(m *Model) { m.scroll(1) })},
		{name: "previous", motion: true, moves: true, keys: []string{"["}, where: reading, what: "choose the previous message", hint: "previous", do: by(-1, (*Model).step)},
		{name: "next", motion: true, moves: true, keys: []string{"]"}, where: reading, what: "choose the next message", hint: "next", do: by(1, (*Model).step)},
		{name: "copy", keys: []string{"y"}, where: reading, what: "copy the message", hint: "copy", do: (*Model).copyMessage},
		{name: "copy-code", keys: []string{"Y"}, where: reading, what: "copy a code block (of several, by its number)", do: (*Model).copyCode},
		{name: "edit", keys: []string{"e"}, where: reading, what: "edit your message and send it again", hint: "edit", do: (*Model).editMessage},
		{
			name: "regenerate", keys: []string{"r"}, where: reading, what: "ask for another answer", hint: "again",
			when: canRegenerate, do: (*Model).regenerate,
		},
		{name: "fork", keys: []string{"f"}, where: reading, what: "go on from this answer", hint: "fork", do: (*Model).forkMessage},
		{name: "sibling-before", moves: true, keys: []string{"<", "left", "‹"}, where: reading, what: "the message beside it, before", do: by(-1, (*Model).sibling)},
		{name: "sibling-after", moves: true, keys: []string{">", "right", "›"}, where: reading, what: "the message beside it, after", do: by(1, (*Model).sibling)},
		{name: "top", moves: true, keys: []string{"g", "home"}, where: reading, what: "go to the top", hint: "top", do: only(func(m *Model) { m.jumpTo(false) })},
		{name: "end", moves: true, keys: []string{"G", "end"}, where: reading, what: "go to the end and follow", hint: "end", do: only(func(m *Model) { m.jumpTo(true) })},
		{name: "help", keys: []string{"?"}, where: reading, hint: "keys", do: (*Model).openHelp},
		{name: "write", keys: []string{"enter", "i"}, where: reading, do: only((*Model).write)},
		{name: "quit", keys: []string{"ctrl+d"}, where: reading, when: inputEmpty, do: (*Model).quit},
	}
}

func panelBindings() []binding {
	move := func(f func(p *openPanel)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(m.panel); return nil }
	}
	return []binding{
		{name: "pick", keys: []string{"enter"}, where: choosing, hint: "open", do: (*Model).pick},
		{
			name: "stop-task", keys: []string{"ctrl+x"}, where: choosing, what: "stop the chosen task", hint: "stop it",
			when: panelIs(tasksPanel), do: (*Model).stopChosen,
		},
		{
			name: "rename-chosen", keys: []string{"ctrl+r"}, where: choosing, what: "rename the chosen conversation", hint: "rename",
			when: both(canRename, panelIs(conversationsPanel)), do: (*Model).rename,
		},
		{
			name: "delete-chosen", keys: []string{"ctrl+d", "delete"}, where: choosing, what: "delete the chosen conversation", hint: "delete",
			when: both(canDelete, panelIs(conversationsPanel)), do: (*Model).remove,
		},
		{name: "panel-up", keys: []string{"up", "ctrl+p"}, where: choosing, do: move(func(p *openPanel) { p.Move(-1) })},
		{name: "panel-down", keys: []string{"down", "ctrl+n"}, where: choosing, do: move(func(p *openPanel) { p.Move(1) })},
		{name: "panel-page-up", keys: []string{"pgup"}, where: choosing, do: move(func(p *openPanel) { p.Page(-1) })},
		{name: "panel-page-down", keys: []string{"pgdown"}, where: choosing, do: move(func(p *openPanel) { p.Page(1) })},
		{
			name: "filter-shorter", keys: []string{"backspace", "ctrl+h"}, where: choosing,
			do: func(m *Model) tea.Cmd { return m.filter(m.panel.Shorter()) },
		},
		{
			name: "filter-clear", keys: []string{"ctrl+u"}, where: choosing,
			do: func(m *Model) tea.Cmd { return m.filter("") },
		},
		{
			name: "close", keys: []string{"esc", "ctrl+c", "ctrl+k", "ctrl+l", "ctrl+b", "ctrl+r"}, where: choosing, hint: "close",
			do: (*Model).closePopup,
		},
	}
}

func helpBindings() []binding {
	scroll := func(by int) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { m.help.scroll(by * m.page()); return nil }
	}
	return []binding{
		{name: "help-up", moves: true, keys: []string{"up", "k", "pgup"}, where: helping, do: scroll(-1)},
		{name: "help-down", moves: true, keys: []string{"down", "j", "pgdown", " "}, where: helping, hint: "more", do: scroll(1)},
		{name: "help-close", keys: []string{"esc", "ctrl+c", "?", "q", "enter"}, where: helping, hint: "close", do: (*Model).closePopup},
	}
}
