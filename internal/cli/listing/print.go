package listing

import (
	"cmp"
	"fmt"
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
		{Head: "WHY", MinWidth: 16, DropOrder: 6}, // the reason for a retry or for the end, or the notices
	}
	whys := false
	var rows [][]string
	for _, t := range tasks {
		state := string(t.State)
		if t.CancelRequested && !t.State.Terminal() {
			state = "stopping"
		}
		why := ""
		switch {
		case t.Waiting != nil:
			why = t.Waiting.String()
		case t.Error != nil:
			why = t.Error.Message
		case t.State == chat.TaskDone:
			why = chat.EndingOf(t.FinishReason).Why(t.FinishReason)
		}
		if why == "" {
			why = strings.Join(t.Notices, "; ")
		}
		whys = whys || why != ""
		rows = append(rows, []string{ids.Short(t.ID), state, fmt.Sprint(t.Attempt), string(t.Priority), output.Age(t.CreatedAt), t.AnsweredBy, ids.Short(t.ConversationID), why})
	}
	if !whys {
		columns = columns[:len(columns)-1]
		for i := range rows {
			rows[i] = rows[i][:len(columns)]
		}
	}
	return output.WriteTable(p.Out, columns, rows)
}
