package status

import (
	"context"

	"chat"
	"chat/sql/database"
	"chat/sql/rows"
)

// titledRow is a task with the title of its conversation.
type titledRow struct {
	rows.Task
	Title string
}

const titledColumns = rows.ListedTaskColumns + `, (SELECT title FROM conversations WHERE conversations.id = tasks.conversation_id) AS title`

// Running returns owner's running tasks, oldest first, at most limit. It reads running
// tasks only.
func (q Queries) Running(ctx context.Context, owner string, limit int) ([]chat.TaskWithTitle, error) {
	// An expression instead of the column keeps the databases from reading all tasks of
	// the owner in the order of creation.
	return q.titled(ctx, `SELECT `+titledColumns+` FROM tasks WHERE state = 'running' AND owner || '' = $1
		ORDER BY started_at, id LIMIT $2`, owner, limit)
}

// Failures returns owner's failed and interrupted tasks, newest first, at most limit.
func (q Queries) Failures(ctx context.Context, owner string, limit int) ([]chat.TaskWithTitle, error) {
	return q.titled(ctx, `SELECT `+titledColumns+` FROM tasks WHERE state IN ('failed', 'interrupted') AND owner = $1
		ORDER BY finished_at DESC LIMIT $2`, owner, limit)
}

func (q Queries) titled(ctx context.Context, query, owner string, limit int) ([]chat.TaskWithTitle, error) {
	list, err := database.List[titledRow](ctx, q.DB, query, owner, limit)
	if err != nil {
		return nil, err
	}
	found := make([]chat.TaskWithTitle, len(list))
	for i := range list {
		found[i] = chat.TaskWithTitle{Task: list[i].Current(), Title: list[i].Title}
	}
	return found, nil
}
