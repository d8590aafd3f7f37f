// Package lists makes the rows of lists from what the server has said: functions
// of conversations, tasks, models and prompts.
package lists

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"chat"
	"chat/internal/term/age"
	"chat/internal/term/sanitize"
	"chat/tui/panel"
)

// Conversations are rows without marks.
func Conversations(list []chat.Conversation, now time.Time) []panel.Item {
	items := make([]panel.Item, 0, len(list))
	for _, c := range list {
		items = append(items, panel.Item{ID: c.ID, Title: Title(c.Title), Detail: ago(c.UpdatedAt, now), Hidden: c.ID})
	}
	return items
}

// Title is the title of a conversation as one clean row.
func Title(title string) string {
	if title = sanitize.Line(title); title != "" {
		return title
	}
	return "(untitled)"
}

// Notes are the snippets of matches, by the ids of their conversations.
func Notes(matches []chat.Match) map[string]panel.Note {
	notes := map[string]panel.Note{}
	for _, match := range matches {
		if match.MessageID == "" {
			continue
		}
		note := panel.Note{Text: sanitize.Line(match.Snippet), At: match.MessageID}
		if note.Text == sanitize.Line(match.Title) { // the title is the beginning of the message
			note.Text = ""
		}
		notes[match.ID] = note
	}
	return notes
}

// Task is the row of a task in the conversation with that title.
func Task(t chat.Task, title string, now time.Time) panel.Item {
	return panel.Item{ID: t.ID, Title: t.Kind.Label(title), Detail: taskDetail(t, now), Mark: taskMark(t), Hidden: t.ID + " " + string(t.State)}
}

func taskMark(t chat.Task) panel.Mark {
	switch t.State {
	case chat.TaskQueued, chat.TaskRunning:
		return panel.Running
	case chat.TaskFailed, chat.TaskInterrupted:
		return panel.Failed
	case chat.TaskDone, chat.TaskCancelled:
	}
	return panel.Plain
}

// taskDetail is the state of a task, its model, and how long it has run or when it
// ended.
func taskDetail(t chat.Task, now time.Time) string {
	parts := []string{string(t.State)}
	if t.CancelRequested {
		parts[0] = "stopping"
	}
	if model := sanitize.Line(t.Model); model != "" {
		parts = append(parts, model)
	}
	switch {
	case t.FinishedAt != nil:
		parts = append(parts, ago(*t.FinishedAt, now))
	case t.StartedAt != nil:
		parts = append(parts, clock(now.Sub(*t.StartedAt)))
	default:
		parts = append(parts, ago(t.CreatedAt, now))
	}
	return strings.Join(parts, " · ")
}

func clock(d time.Duration) string {
	s := max(int(d.Seconds()), 0)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// Models are the models that can be asked; current is the one in use, "" for the
// server's default.
func Models(list []chat.Model, current string) []panel.Item {
	items := make([]panel.Item, 0, len(list))
	for _, model := range list {
		it := panel.Item{ID: model.ID, Title: sanitize.Line(model.ID), Detail: sanitize.Line(model.Provider)}
		if model.Default {
			it.Detail += " · default"
		}
		if model.ID == current || current == "" && model.Default {
			it.Mark = panel.InUse
		}
		items = append(items, it)
	}
	return items
}

// Parameters are the parameters that can be set, each with its value: the conversation's
// own, or else the model's.
func Parameters(own, model *chat.Parameters) []panel.Item {
	var items []panel.Item
	for _, name := range chat.ParameterNames() {
		it := panel.Item{ID: name, Title: name, Detail: "not set"}
		value := own.Get(name)
		switch {
		case value != "":
			it.Mark, it.Detail = panel.InUse, "of the conversation"
		case model.Get(name) != "":
			value, it.Detail = model.Get(name), "of the model, in the settings"
		}
		if value != "" {
			it.Title = sanitize.Line(fmt.Sprintf("%-12s %s", name, value))
		}
		items = append(items, it)
	}
	return items
}

// Prompts are earlier prompts, the newest first and each once. Their ids are their
// indexes.
func Prompts(prompts []string) []panel.Item {
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
	return items
}

// ShortID is the end of an id. The beginnings of UUIDv7s that were made at about
// the same time are the same.
func ShortID(id string) string {
	id = sanitize.Line(id)
	return id[max(0, len(id)-8):]
}

// ago is a time in few characters.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return ""
	}
	if d := now.Sub(at); d >= time.Minute {
		return age.Of(d)
	}
	return "now" // a list is not drawn again each second
}
