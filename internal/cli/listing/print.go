package listing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"chat"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
)

func PrintConversations(p *output.Console, list []Conversation, words []string, asJSON bool) error {
	switch {
	case asJSON:
		if list == nil {
			list = []Conversation{}
		}
		return output.WriteJSON(p.Out, list)
	case p.Quiet:
		for _, conv := range list {
			if _, err := fmt.Fprintln(p.Out, conv.ID); err != nil {
				return err
			}
		}
		return nil
	case len(list) == 0 && len(words) > 0:
		p.Infof("no conversation matches %q", strings.Join(words, " "))
		return nil
	case len(list) == 0:
		p.Infof("no conversations")
		return nil
	}
	columns := []output.Column{{Head: "ID"}, {Head: "UPDATED", DropOrder: 2}, {Head: "MODEL", MinWidth: 6, DropOrder: 1}, {Head: "TITLE", MinWidth: 16}}
	var rows [][]string
	for _, conv := range list {
		rows = append(rows, []string{ids.Short(conv.ID), output.Age(conv.UpdatedAt), cmp.Or(conv.Model, conv.DefaultModel), conv.Title})
	}
	return output.WriteTable(p.Out, columns, rows)
}

func PrintTasks(p *output.Console, tasks []Task, asJSON bool) error {
	switch {
	case asJSON:
		if tasks == nil {
			tasks = []Task{}
		}
		return output.WriteJSON(p.Out, tasks)
	case p.Quiet:
		for _, t := range tasks {
			if _, err := fmt.Fprintln(p.Out, t.ID); err != nil {
				return err
			}
		}
		return nil
	case len(tasks) == 0:
		p.Infof("no answers are queued or running (`chat ps --all` lists ended ones)")
		return nil
	}
	columns := []output.Column{
		{Head: "TASK"},
		{Head: "STATE"},
		{Head: "TRY", DropOrder: 2},
		{Head: "PRIORITY", DropOrder: 1},
		{Head: "AGE", DropOrder: 5},
		{Head: "MODEL", MinWidth: 6, DropOrder: 4},
		{Head: "CONVERSATION", DropOrder: 3},
		{Head: "KIND", DropOrder: 7},              // of a task that is not an answer
		{Head: "WHY", MinWidth: 16, DropOrder: 6}, // the reason for a retry or for the end, or the notices
	}
	var rows [][]string
	for _, t := range tasks {
		state := string(t.State)
		if t.CancelRequested && !t.State.Terminal() {
			state = "stopping"
		}
		why := ""
		switch {
		case t.Error != nil:
			why = t.Error.Message
		case t.State == chat.TaskDone:
			why = chat.EndingOf(t.FinishReason).Why(t.FinishReason)
		}
		if why == "" {
			why = strings.Join(t.Notices, "; ")
		}
		rows = append(rows, []string{ids.Short(t.ID), state, fmt.Sprint(t.Attempt), string(t.Priority), output.Age(t.CreatedAt), t.AnsweredBy, ids.Short(t.ConversationID), string(t.Kind), why})
	}
	columns, rows = withoutEmpty(columns, rows, len(columns)-1)
	columns, rows = withoutEmpty(columns, rows, kindColumn)
	return output.WriteTable(p.Out, columns, rows)
}

// kindColumn is the index of KIND in the list of tasks.
const kindColumn = 7

// withoutEmpty removes a column in which no row has a text.
func withoutEmpty(columns []output.Column, rows [][]string, at int) ([]output.Column, [][]string) {
	if slices.ContainsFunc(rows, func(row []string) bool { return row[at] != "" }) {
		return columns, rows
	}
	for i := range rows {
		rows[i] = slices.Delete(rows[i], at, at+1)
	}
	return slices.Delete(columns, at, at+1), rows
}
