package tui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/backend"
	"chat/tui/keymap"
	"chat/tui/panel"
)

// bindings is the table of keys. Rows that come first go before the others.
func bindings() keymap.Table[*Model] {
	return slices.Concat(completionBindings(), panelBindings(), helpBindings(), writingBindings(), readingBindings(),
		keymap.Editing(keymap.Writing, "", func(m *Model) keymap.Editor { return &m.input.Composer }),
		questionBindings(),
		keymap.Editing(keymap.Asked, "question-", func(m *Model) keymap.Editor { return &m.question.input }),
		commonBindings())
}

// only makes an action of a function that starts no command.
func only(f func(m *Model)) func(*Model) tea.Cmd {
	return func(m *Model) tea.Cmd { f(m); return nil }
}

func both(a, b func(*Model) bool) func(*Model) bool {
	return func(m *Model) bool { return a(m) && b(m) }
}

// listIs is a condition of bindings: a list of that kind is open.
func listIs(kind panel.Kind) func(*Model) bool {
	return func(m *Model) bool { return m.list.Is(kind) }
}

func offering(m *Model) bool { return m.focus() == keymap.Writing && m.input.Offering() }

func canRename(m *Model) bool {
	_, ok := m.backend.(backend.Renamer)
	return ok
}

func canRegenerate(m *Model) bool {
	_, ok := m.backend.(backend.Regenerator)
	return ok
}

// continueKeys are the keys that continue the last answer, "" if there are none.
func continueKeys(m *Model) string {
	focus, key := m.keys.KeyOf(keymap.Anywhere, "focus"), m.keys.KeyOf(keymap.Reading, "continue")
	if !canRegenerate(m) || focus == "" || key == "" {
		return ""
	}
	return focus + " " + key
}

func canDelete(m *Model) bool { return m.deletions.Possible() }

func canUndo(m *Model) bool { return m.deletions.CanUndo() }

func inputEmpty(m *Model) bool { return m.input.Empty() }

// endFree reports whether the end key has nothing to do in the input.
func endFree(m *Model) bool {
	return m.input.Empty() || m.input.AtEnd() && !m.conversation.AtEnd()
}

func commonBindings() keymap.Table[*Model] {
	return keymap.Table[*Model]{
		{
			Name: "interrupt", Basic: true, Keys: []string{"ctrl+c"}, Do: (*Model).interrupt,
			What: "stop the answer; clear the draft; twice when empty: quit",
		},
		{Name: "escape", Basic: true, Keys: []string{"esc"}, What: "close; stop the answer; leave the transcript", Do: (*Model).escape},
		{Name: "new", Keys: []string{"ctrl+n"}, What: "new conversation", Hint: "new", Do: (*Model).newConversation},
		{Name: "conversations", Keys: []string{"ctrl+k"}, What: "conversations: find and open", Hint: "find", Do: (*Model).chooseConversation},
		{Name: "palette", Basic: true, Keys: []string{"ctrl+p"}, What: "commands: everything you can do", Hint: "commands", Do: (*Model).chooseCommand},
		{Name: "model", Keys: []string{"ctrl+l"}, What: "choose the model", Do: (*Model).chooseModel},
		{Name: "parameters", What: "parameters: temperature, tokens, effort …", When: canKeepParameters, Do: (*Model).chooseParameters},
		{Name: "tasks", Keys: []string{"ctrl+b"}, What: "tasks: open or stop them", Hint: "tasks", Do: (*Model).chooseTask},
		{Name: "reasoning", Keys: []string{"ctrl+t"}, What: "show or fold the reasoning", Do: (*Model).foldReasoning},
		{Name: "editor", Keys: []string{"ctrl+o"}, What: "write in $EDITOR", Do: (*Model).writeForEditor},
		{Name: "history", Keys: []string{"ctrl+r"}, What: "search earlier prompts", Do: (*Model).choosePrompt},
		{Name: "rename", What: "rename the conversation", When: canRename, Do: (*Model).rename},
		{Name: "compact", What: "summarize the beginning for the model", When: canCompact, Do: (*Model).compact},
		{Name: "undo-compact", What: "remove the summary of the beginning", When: canCompact, Do: (*Model).undoCompact},
		{Name: "delete-conversation", What: "delete the conversation", When: canDelete, Do: (*Model).deleteConversation},
		{Name: "mouse", Keys: []string{"ctrl+y"}, What: "mouse on or off", Do: (*Model).toggleMouse},
		{Name: "focus", Basic: true, Keys: []string{"tab"}, What: "move between the input and the transcript", Do: (*Model).switchFocus},
		{Name: "page-up", Basic: true, Keys: []string{"pgup"}, What: "scroll up", Do: only(func(m *Model) { m.conversation.Scroll(-m.page()) })},
		{Name: "page-down", Basic: true, Keys: []string{"pgdown"}, What: "scroll down", Do: only(func(m *Model) { m.conversation.Scroll(m.page()) })},
		{Name: "undo", Keys: []string{"ctrl+z"}, What: "restore the deleted conversation", When: canUndo, Do: (*Model).undo},
		{Name: "suspend", Keys: []string{"ctrl+z"}, What: "suspend", Do: func(*Model) tea.Cmd { return tea.Suspend }},
	}
}

func writingBindings() keymap.Table[*Model] {
	return keymap.Table[*Model]{
		{Name: "send", Basic: true, Keys: []string{"enter"}, Focus: keymap.Writing, What: "send", Hint: "send", Do: (*Model).submit},
		{
			Name: "newline", Basic: true, Keys: []string{"ctrl+j", "alt+enter"}, Focus: keymap.Writing, What: "newline (shift+enter, where the terminal sends it)",
			Hint: "newline", Do: only(func(m *Model) { m.checkRoom(m.input.Insert("\n")) }),
		},
		{Name: "unfold", Focus: keymap.Writing, What: "unfold the paste at the caret", Do: only(func(m *Model) { m.input.Unfold() })},
		{Name: "help", Keys: []string{"?"}, Focus: keymap.Writing, What: "this help", Hint: "keys", When: inputEmpty, Do: (*Model).openHelp},
		{Name: "quit", Keys: []string{"ctrl+d"}, Focus: keymap.Writing, What: "quit when empty; tasks continue", When: inputEmpty, Do: (*Model).quit},
		{Name: "end", Keys: []string{"end"}, Focus: keymap.Writing, When: endFree, Do: only(func(m *Model) { m.conversation.Jump(true) })},
		{Name: "top", Keys: []string{"home"}, Focus: keymap.Writing, When: inputEmpty, Do: only(func(m *Model) { m.conversation.Jump(false) })},
		{Name: "up", Basic: true, Keys: []string{"up"}, Focus: keymap.Writing, What: "up a row; from the first one, older prompts", Do: (*Model).up},
		{Name: "down", Basic: true, Keys: []string{"down"}, Focus: keymap.Writing, What: "down a row; from the last one, newer prompts", Do: (*Model).down},
	}
}

func questionBindings() keymap.Table[*Model] {
	return keymap.Table[*Model]{
		{Name: "answer", Keys: []string{"enter"}, Focus: keymap.Asked, Hint: "done", Do: (*Model).answer},
		{Name: "dismiss", Keys: []string{"esc", "ctrl+c"}, Focus: keymap.Asked, Hint: "leave it", Do: only(func(m *Model) { m.question = nil })},
	}
}

func readingBindings() keymap.Table[*Model] {
	return keymap.Table[*Model]{
		{Name: "scroll-up", Basic: true, Moves: true, Keys: []string{"up", "k"}, Focus: keymap.Reading, What: "scroll up a row", Do: only(func(m *Model) { m.conversation.Scroll(-1) })},
		{Name: "scroll-down", Basic: true, Moves: true, Keys: []string{"down", "j"}, Focus: keymap.Reading, What: "scroll down a row", Do: only(func(m *Model) { m.conversation.Scroll(1) })},
		{Name: "previous", Basic: true, Moves: true, Keys: []string{"["}, Focus: keymap.Reading, What: "choose the previous message", Hint: "previous", Do: only(func(m *Model) { m.conversation.Step(-1) })},
		{Name: "next", Basic: true, Moves: true, Keys: []string{"]"}, Focus: keymap.Reading, What: "choose the next message", Hint: "next", Do: only(func(m *Model) { m.conversation.Step(1) })},
		{Name: "copy", Keys: []string{"y"}, Focus: keymap.Reading, What: "copy the message", Hint: "copy", Do: (*Model).copyMessage},
		{Name: "copy-code", Keys: []string{"Y"}, Focus: keymap.Reading, What: "copy a code block (of several, by its number)", Do: (*Model).copyCode},
		{Name: "edit", Keys: []string{"e"}, Focus: keymap.Reading, What: "edit your message and send it again", Hint: "edit", Do: (*Model).editMessage},
		{
			Name: "regenerate", Keys: []string{"r"}, Focus: keymap.Reading, What: "ask for another answer", Hint: "again",
			When: canRegenerate, Do: (*Model).regenerate,
		},
		{
			Name: "continue", Keys: []string{"c"}, Focus: keymap.Reading, What: "continue an answer that was cut",
			When: canRegenerate, Do: (*Model).continueAnswer,
		},
		{Name: "fork", Keys: []string{"f"}, Focus: keymap.Reading, What: "copy the conversation up to here (fork)", Hint: "fork", Do: (*Model).forkMessage},
		{Name: "sibling-before", Moves: true, Keys: []string{"<", "left", "‹"}, Focus: keymap.Reading, What: "the previous version of the message", Do: only(func(m *Model) { m.sibling(-1) })},
		{Name: "sibling-after", Moves: true, Keys: []string{">", "right", "›"}, Focus: keymap.Reading, What: "the next version of the message", Do: only(func(m *Model) { m.sibling(1) })},
		{Name: "top", Moves: true, Keys: []string{"g", "home"}, Focus: keymap.Reading, What: "go to the top", Hint: "top", Do: only(func(m *Model) { m.conversation.Jump(false) })},
		{Name: "end", Moves: true, Keys: []string{"G", "end"}, Focus: keymap.Reading, What: "go to the end and follow", Hint: "end", Do: only(func(m *Model) { m.conversation.Jump(true) })},
		{Name: "help", Keys: []string{"?"}, Focus: keymap.Reading, Hint: "keys", Do: (*Model).openHelp},
		{Name: "write", Keys: []string{"enter", "i"}, Focus: keymap.Reading, Do: only(func(m *Model) { m.conversation.Leave() })},
		{Name: "quit", Keys: []string{"ctrl+d"}, Focus: keymap.Reading, When: inputEmpty, Do: (*Model).quit},
	}
}

func panelBindings() keymap.Table[*Model] {
	move := func(f func(l *panel.List)) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { f(m.list.Current()); return nil }
	}
	return keymap.Table[*Model]{
		{Name: "pick", Keys: []string{"enter"}, Focus: keymap.Choosing, Hint: "open", Do: (*Model).pick},
		{
			Name: "stop-task", Keys: []string{"ctrl+x"}, Focus: keymap.Choosing, What: "stop the selected task", Hint: "stop it",
			When: listIs(taskList), Do: (*Model).stopSelected,
		},
		{
			Name: "rename-selected", Keys: []string{"ctrl+r"}, Focus: keymap.Choosing, What: "rename the selected conversation", Hint: "rename",
			When: both(canRename, listIs(conversationList)), Do: (*Model).rename,
		},
		{
			Name: "delete-selected", Keys: []string{"ctrl+d", "delete"}, Focus: keymap.Choosing, What: "delete the selected conversation", Hint: "delete",
			When: both(canDelete, listIs(conversationList)), Do: (*Model).deleteConversation,
		},
		{Name: "panel-up", Keys: []string{"up", "ctrl+p"}, Focus: keymap.Choosing, Do: move(func(l *panel.List) { l.Move(-1) })},
		{Name: "panel-down", Keys: []string{"down", "ctrl+n"}, Focus: keymap.Choosing, Do: move(func(l *panel.List) { l.Move(1) })},
		{Name: "panel-page-up", Keys: []string{"pgup"}, Focus: keymap.Choosing, Do: move(func(l *panel.List) { l.Page(-1) })},
		{Name: "panel-page-down", Keys: []string{"pgdown"}, Focus: keymap.Choosing, Do: move(func(l *panel.List) { l.Page(1) })},
		{
			Name: "filter-shorter", Keys: []string{"backspace", "ctrl+h"}, Focus: keymap.Choosing,
			Do: func(m *Model) tea.Cmd { return m.list.Filter(m.list.Current().Shorter()) },
		},
		{
			Name: "filter-clear", Keys: []string{"ctrl+u"}, Focus: keymap.Choosing,
			Do: func(m *Model) tea.Cmd { return m.list.Filter("") },
		},
		{
			Name: "close", Keys: []string{"esc", "ctrl+c", "ctrl+k", "ctrl+l", "ctrl+b", "ctrl+r"}, Focus: keymap.Choosing, Hint: "close",
			Do: (*Model).closePopup,
		},
		{
			Name: "selected-parameters", Keys: []string{"ctrl+e"}, Focus: keymap.Choosing, What: "choose the selected model or conversation, and its parameters", Hint: "parameters",
			When: both(canKeepParameters, hasParameters), Do: (*Model).chooseSelectedParameters,
		},
	}
}

func helpBindings() keymap.Table[*Model] {
	scroll := func(by int) func(*Model) tea.Cmd {
		return func(m *Model) tea.Cmd { m.help.Scroll(by * m.page()); return nil }
	}
	return keymap.Table[*Model]{
		{Name: "help-up", Moves: true, Keys: []string{"up", "k", "pgup"}, Focus: keymap.Helping, Do: scroll(-1)},
		{Name: "help-down", Moves: true, Keys: []string{"down", "j", "pgdown", " "}, Focus: keymap.Helping, Hint: "more", Do: scroll(1)},
		{Name: "help-close", Keys: []string{"esc", "ctrl+c", "?", "q", "enter"}, Focus: keymap.Helping, Hint: "close", Do: (*Model).closePopup},
	}
}

func completionBindings() keymap.Table[*Model] {
	move := func(by int) func(*Model) tea.Cmd { return only(func(m *Model) { m.input.MoveOffer(by) }) }
	rows := keymap.Table[*Model]{
		{Name: "accept-file", Keys: []string{"tab"}, Focus: keymap.Writing, Hint: "attach it", Basic: true, What: "insert the selected file", When: offering, Do: only(func(m *Model) { m.input.AcceptOffer() })},
		{Name: "file-up", Keys: []string{"up", "ctrl+p"}, Focus: keymap.Writing, Basic: true, When: offering, Do: move(-1)},
		{Name: "file-down", Keys: []string{"down", "ctrl+n"}, Focus: keymap.Writing, Basic: true, When: offering, Do: move(1)},
		{Name: "file-close", Keys: []string{"esc"}, Focus: keymap.Writing, Hint: "no file", Basic: true, When: offering, Do: only(func(m *Model) { m.input.CloseOffers() })},
	}
	for i := range rows {
		rows[i].Popup = true
	}
	return rows
}
