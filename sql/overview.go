package sql

import (
	"context"

	"chat"
)

// titledRow is a task with the title of its conversation.
type titledRow struct {
	taskRow
	Title string
}

const titledColumns = taskColumns + `, (SELECT title FROM conversations WHERE conversations.id = tasks.conversation_id) AS title`

// Running returns the oldest of owner's tasks that run, most at most. It looks at
// running tasks only, however many others there are.
func (s *Store) Running(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error) {
	// An expression instead of the column keeps databases from walking through all
	// tasks of the owner in the order of their creation.
	return s.titled(ctx, `SELECT `+titledColumns+` FROM tasks WHERE state = 'running' AND owner || '' = $1
		ORDER BY started_at, id LIMIT $2`, owner, most)
}

// Failures returns those of owner's tasks that failed or were interrupted last,
// newest first, most at most.
func (s *Store) Failures(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error) {
	return s.titled(ctx, `SELECT `+titledColumns+` FROM tasks WHERE state IN ('failed', 'interrupted') AND owner = $1
		ORDER BY finished_at DESC LIMIT $2`, owner, most)
}

func (s *Store) titled(ctx context.Context, query, owner string, most int) ([]chat.TaskWithTitle, error) {
	rows, err := list[titledRow](ctx, s, query, owner, most)
	if err != nil {
		return nil, err
	}
	found := make([]chat.TaskWithTitle, len(rows))
	for i := range rows {
		found[i] = chat.TaskWithTitle{Task: rows[i].current(), Title: rows[i].Title}
	}
	return found, nil
}
