package lists

import (
	"context"
	"slices"
	"strings"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// Tasks returns tasks of owner, newest first.
func (q Queries) Tasks(ctx context.Context, owner string, query chat.TaskQuery) ([]chat.Task, error) {
	args := database.Args{owner}
	where := []string{"owner = $1"}
	if len(query.States) > 0 {
		var states []string
		for _, st := range query.States {
			states = append(states, args.Add(string(st)))
		}
		where = append(where, "state IN ("+strings.Join(states, ", ")+")")
	}
	if query.ID != "" {
		cond, ok := idMatches("id", query.ID, &args)
		if !ok {
			return nil, nil
		}
		where = append(where, cond)
	}
	if query.ConversationID != "" {
		if !rows.IsID(query.ConversationID) {
			return nil, nil
		}
		where = append(where, "conversation_id = "+args.Add(query.ConversationID))
	}
	if query.Answers {
		where = append(where, "kind = ''")
	}
	list, err := database.List[rows.Task](ctx, q.DB, `SELECT `+rows.ListedTaskColumns+` FROM tasks WHERE `+strings.Join(where, " AND ")+
		` ORDER BY created_at DESC, id DESC LIMIT `+args.Add(limit(query.Limit)), args...)
	if err != nil {
		return nil, err
	}
	found := make([]chat.Task, len(list))
	for i := range list {
		found[i] = list[i].Current()
	}
	return found, nil
}

// Unfinished returns the ids among ids whose tasks are queued or running.
func (q Queries) Unfinished(ctx context.Context, ids []string) ([]string, error) {
	const batch = 500 // ids in one statement
	var found []string
	for part := range slices.Chunk(ids, batch) {
		var args database.Args
		var placeholders []string
		for _, id := range part {
			if rows.IsID(id) {
				placeholders = append(placeholders, args.Add(id))
			}
		}
		if len(placeholders) == 0 {
			continue
		}
		some, err := database.List[string](ctx, q.DB, `SELECT id FROM tasks WHERE state IN ('queued', 'running') AND id IN (`+strings.Join(placeholders, ", ")+`)`, args...)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
	}
	return found, nil
}
