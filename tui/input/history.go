package input

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/drafts"
	"chat/tui/jobs"
)

// history is the earlier prompts, oldest first, and the one that is shown.
type history struct {
	file    *drafts.History
	prompts []string
	at      int    // of the prompt that is shown, len(prompts) for none
	stash   string // what was in the input before
}

// HistoryMsg is the prompts of earlier screens.
type HistoryMsg struct {
	prompts []string
	Err     error
}

// LoadHistory reads the prompts of earlier screens.
func (in *Input) LoadHistory() tea.Cmd {
	file := in.history.file
	return in.jobs.Command(func(context.Context) tea.Msg {
		prompts, err := file.Load()
		return HistoryMsg{prompts, err}
	})
}

// HistoryLoaded adds the prompts of earlier screens.
func (in *Input) HistoryLoaded(msg HistoryMsg) {
	in.history.prompts = append(msg.prompts, in.history.prompts...)
	in.history.at = len(in.history.prompts)
}

// Prompts are the earlier prompts, oldest first. Do not change the slice.
func (in *Input) Prompts() []string { return in.history.prompts }

// Remember adds a prompt to the history.
func (in *Input) Remember(text string) tea.Cmd {
	if text == "" {
		return nil
	}
	h := &in.history
	if n := len(h.prompts); n == 0 || h.prompts[n-1] != text {
		h.prompts = append(h.prompts, text)
	}
	if extra := len(h.prompts) - drafts.MaxHistory; extra > 0 {
		h.prompts = h.prompts[extra:]
	}
	h.at = len(h.prompts)
	file := h.file
	return in.jobs.Command(func(context.Context) tea.Msg {
		if err := file.Add(text); err != nil {
			return jobs.Failure{Err: err}
		}
		return nil
	})
}

// Recall moves through the history, by -1 to older prompts. What was being
// written comes after the newest.
func (in *Input) Recall(by int) {
	h := &in.history
	to := h.at + by
	if to < 0 || to > len(h.prompts) {
		return
	}
	if h.at == len(h.prompts) {
		h.stash = in.Value()
	}
	h.at = to
	if to == len(h.prompts) {
		in.Set(h.stash)
		return
	}
	in.Set(h.prompts[to])
	if by < 0 {
		in.Begin()
	}
}

// RecallFrom shows an earlier prompt by its index in a list that Prompts has
// returned. The history may have grown since.
func (in *Input) RecallFrom(prompts []string, i int) {
	in.history.stash, in.history.at = in.Value(), len(in.history.prompts)-len(prompts)+i
	in.Set(prompts[i])
}
