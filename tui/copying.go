package tui

import (
	"context"
	"fmt"
	"strconv"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/markdown"
	"chat/tui/clipboard"
)

// copiedMsg says how something was copied, or why not.
type copiedMsg struct {
	what string
	how  string
	err  error
}

// copyCommand copies what is shown, not what was received: a text that is pasted
// into a shell holds no control characters either.
func (m *Model) copyCommand(what, text string) tea.Cmd {
	clip := clipboard.Clipboard{Env: m.terminal.Env, Terminal: m.terminal.Out, File: m.copyFile}
	return m.jobs.Command(func(ctx context.Context) tea.Msg {
		how, err := clip.Copy(ctx, text)
		return copiedMsg{what, how, err}
	})
}

func (m *Model) copied(msg copiedMsg) {
	if msg.err != nil {
		m.warn(sentence(msg.err))
		return
	}
	m.say(msg.what + ": " + msg.how)
}

// copyMessage copies the selected message.
func (m *Model) copyMessage() tea.Cmd {
	item := m.conversation.Selected()
	if item == nil || item.Content() == "" {
		m.say("there is nothing to copy")
		return nil
	}
	return m.copyCommand("the message", item.Content())
}

// copyCode copies a code block of the selected message; of several, the next key
// says which.
func (m *Model) copyCode() tea.Cmd {
	item := m.conversation.Selected()
	if item == nil {
		return nil
	}
	blocks := markdown.CodeBlocks(item.Content())
	switch len(blocks) {
	case 0:
		m.say("there is no code in this message")
		return nil
	case 1:
		return m.copyCommand("the code", blocks[0].Text)
	}
	m.say(fmt.Sprintf("which code block? 1 to %d", min(len(blocks), 9)))
	m.nextKey = func(key string) tea.Cmd {
		n, err := strconv.Atoi(key)
		if err != nil || n < 1 || n > len(blocks) {
			m.say("nothing was copied")
			return nil
		}
		return m.copyCommand("code block "+key, blocks[n-1].Text)
	}
	return nil
}
