package lists

import (
	"chat"
	"chat/sql/database"
	"chat/sql/rows"
	"context"
	"strings"
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
