package tui

import (
	"context"
	"slices"
	"strings"
	"time"

	"chat"
)

// fullBackend is a fakeBackend with every ability.
type fullBackend struct{ *fakeBackend }

func (f fullBackend) Regenerate(_ context.Context, messageID, _ string) (chat.Accepted, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, messages := range f.messages {
		for _, m := range messages {
			if m.ID != messageID {
				continue
			}
			i := slices.IndexFunc(messages, func(q chat.Message) bool { return q.ID == m.ParentID })
			return f.task(messages[i]), nil
		}
	}
	return chat.Accepted{}, chat.Errorf(chat.CodeNotFound, "no such message")
}

func (f fullBackend) Continue(ctx context.Context, messageID, model string) (chat.Accepted, error) {
	f.mu.Lock()
	for _, messages := range f.messages {
		for _, m := range messages {
			if m.ID == messageID && m.Continuable() != nil {
				f.mu.Unlock()
				return chat.Accepted{}, m.Continuable()
			}
		}
	}
	f.mu.Unlock()
	return f.Regenerate(ctx, messageID, model)
}

func (f fullBackend) Rename(_ context.Context, id, title string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.conversations {
		if f.conversations[i].ID == id {
			f.conversations[i].Title = title
			return nil
		}
	}
	return chat.Errorf(chat.CodeNotFound, "no such conversation")
}

func (f fullBackend) Compact(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.compacted = append(f.compacted, "compact "+f.titleOf(id))
	return f.compactErr
}

func (f fullBackend) UndoCompact(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.compacted = append(f.compacted, "undo "+f.titleOf(id))
	return f.compactErr
}

// titleOf is called with mu locked.
func (f fullBackend) titleOf(id string) string {
	for _, c := range f.conversations {
		if c.ID == id {
			return c.Title
		}
	}
	return ""
}

func (f fullBackend) SetParameters(_ context.Context, id string, p *chat.Parameters) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.conversations {
		if f.conversations[i].ID == id && f.parametersErr == nil {
			f.seq++
			f.conversations[i].Parameters, f.conversations[i].UpdatedAt = p, noon.Add(time.Duration(f.seq)*time.Millisecond)
		}
	}
	return f.parametersErr
}

func (f fullBackend) Delete(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conversations = slices.DeleteFunc(f.conversations, func(c chat.Conversation) bool { return c.ID == id })
	delete(f.messages, id)
	return nil
}

func (f fullBackend) Degraded(context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trouble, nil
}

func (f fullBackend) Snippets(ctx context.Context, search string, limit int) ([]chat.Match, error) {
	list, err := f.Conversations(ctx, search)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []chat.Match
	for _, c := range list[:min(len(list), limit)] {
		match := chat.Match{Conversation: c}
		for _, m := range f.messages[c.ID] {
			if match.MessageID == "" && strings.Contains(m.Content, search) {
				match.MessageID, match.Snippet = m.ID, m.Content
			}
		}
		out = append(out, match)
	}
	return out, nil
}

func (f fullBackend) Tasks(context.Context) ([]chat.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []chat.Task
	for _, t := range f.tasks {
		out = append(out, t.task)
	}
	slices.SortFunc(out, func(a, b chat.Task) int {
		if a.ID > b.ID {
			return -1
		}
		return 1
	})
	return out, nil
}
