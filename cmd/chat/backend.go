package main

import (
	"context"
	"iter"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/sanitize"
	"chat/tui"
)

// backend is the daemon, as the screen wants it.
type backend struct {
	cl       *client.Client
	system   string        // of new conversations
	priority chat.Priority // of what is sent, "" for the server's
}

// The screen offers what it finds: a method that is missing here is a key that
// does nothing there.
var _ interface {
	tui.Backend
	tui.Regenerator
	tui.Renamer
	tui.Deleter
	tui.TaskLister
	tui.Watcher
	tui.SnippetFinder
} = (*backend)(nil)

// listed is how many conversations the screen's list has.
const listed = 100

func (b *backend) Conversations(ctx context.Context, search string) ([]chat.Conversation, error) {
	list, _, err := b.cl.Conversations(ctx, chat.ConversationQuery{Search: search, Limit: listed})
	return list, err
}

func (b *backend) Messages(ctx context.Context, id string) (chat.Conversation, []chat.Message, error) {
	conv, err := b.cl.Conversation(ctx, id)
	if err != nil {
		return conv, nil, err
	}
	messages, err := b.cl.Messages(ctx, id)
	return conv, messages, err
}

func (b *backend) Send(ctx context.Context, id string, s chat.Submission) (chat.Accepted, error) {
	s.ConversationID, s.Priority = id, b.priority
	if id == "" {
		s.System = b.system
	}
	return b.cl.Submit(ctx, s, "")
}

func (b *backend) Stop(ctx context.Context, taskID string) error {
	_, err := b.cl.Cancel(ctx, taskID)
	return err
}

func (b *backend) Running(ctx context.Context) ([]chat.Task, error) {
	return b.cl.Tasks(ctx, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: listed})
}

// Tasks are the newest tasks, whatever became of them.
func (b *backend) Tasks(ctx context.Context) ([]chat.Task, error) {
	return b.cl.Tasks(ctx, chat.TaskQuery{Limit: listed})
}

func (b *backend) Snippets(ctx context.Context, search string, limit int) ([]chat.Match, error) {
	matches, _, err := b.cl.Search(ctx, chat.ConversationQuery{Search: search, Limit: limit})
	return matches, err
}

// Trouble is that Redis does not do its part, in the server's words: answers go on,
// and come with their ends only.
func (b *backend) Trouble(ctx context.Context) (string, error) {
	ready, err := b.cl.Ready(ctx)
	switch ready.Redis {
	case "", "ok":
		return "", err
	case "down":
		return "Redis is down; answers go on", err
	}
	return "Redis: " + sanitize.Line(ready.Redis) + "; answers go on", err
}

func (b *backend) Regenerate(ctx context.Context, messageID, model string) (chat.Accepted, error) {
	return b.cl.Regenerate(ctx, messageID, client.Regeneration{Model: model, Priority: b.priority}, "")
}

func (b *backend) Rename(ctx context.Context, id, title string) error {
	_, err := b.cl.UpdateConversation(ctx, id, chat.ConversationPatch{Title: &title})
	return err
}

func (b *backend) Delete(ctx context.Context, id string) error {
	err := b.cl.DeleteConversation(ctx, id)
	if chat.IsCode(err, chat.CodeNotFound) {
		return nil // somebody else was quicker
	}
	return err
}

func (b *backend) Models(ctx context.Context) ([]chat.Model, error) { return b.cl.Models(ctx) }

func (b *backend) Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return b.cl.Follow(ctx, taskID, from)
}
