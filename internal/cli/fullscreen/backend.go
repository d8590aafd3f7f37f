package fullscreen

import (
	"context"
	"iter"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/settings"
	"chat/internal/term/sanitize"
	"chat/tui/backend"
)

// adapter adapts the client to the screen.
type adapter struct {
	cl       *client.Client
	system   string        // of new conversations
	priority chat.Priority // of sent messages, "" for the server's default
	fallback []string      // of sent messages, besides those of their models
	defaults settings.Failover
}

// The screen checks for these optional interfaces: a missing method disables a key.
var _ interface {
	backend.Backend
	backend.Regenerator
	backend.Renamer
	backend.ParameterKeeper
	backend.Deleter
	backend.TaskLister
	backend.HealthChecker
	backend.SnippetFinder
} = (*adapter)(nil)

// NewBackend returns the backend for a server. The system prompt of s is that of new
// conversations; its priority is that of all messages, or "" for the default.
func NewBackend(cl *client.Client, s answer.Submission, defaults settings.Failover) *adapter {
	return &adapter{cl: cl, system: s.SystemPrompt, priority: s.Priority, fallback: s.Fallback, defaults: defaults}
}

// maxListed is the maximum length of the screen's lists.
const maxListed = 100

func (b *adapter) Conversations(ctx context.Context, search string) ([]chat.Conversation, error) {
	list, _, err := b.cl.Conversations(ctx, chat.ConversationQuery{Search: search, Limit: maxListed})
	return list, err
}

func (b *adapter) Messages(ctx context.Context, id string) (chat.Conversation, []chat.Message, error) {
	conv, err := b.cl.Conversation(ctx, id)
	if err != nil {
		return conv, nil, err
	}
	messages, err := b.cl.Messages(ctx, id)
	return conv, messages, err
}

func (b *adapter) Send(ctx context.Context, id string, s chat.Submission) (chat.Accepted, error) {
	s.Priority = b.priority
	conv := chat.Conversation{ID: id}
	if id == "" {
		s.System, s.ModelTitle = b.system, true
	} else if s.Model == "" && b.defaults.Models.HaveDefaults() { // they depend on its model
		var err error
		if conv, err = b.cl.Conversation(ctx, id); err != nil {
			return chat.Accepted{}, err
		}
	}
	return answer.Submission{Submission: s, Fallback: b.fallback, Defaults: b.defaults}.SubmitTo(ctx, b.cl, conv)
}

func (b *adapter) Upload(ctx context.Context, data []byte) (chat.Attachment, error) {
	return b.cl.Upload(ctx, data)
}

func (b *adapter) Stop(ctx context.Context, taskID string) error {
	_, err := b.cl.Cancel(ctx, taskID)
	return err
}

func (b *adapter) Running(ctx context.Context) ([]chat.Task, error) {
	return b.cl.Tasks(ctx, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: maxListed})
}

// Tasks returns the newest tasks in any state.
func (b *adapter) Tasks(ctx context.Context) ([]chat.Task, error) {
	return b.cl.Tasks(ctx, chat.TaskQuery{Limit: maxListed})
}

func (b *adapter) Snippets(ctx context.Context, search string, limit int) ([]chat.Match, error) {
	matches, _, err := b.cl.Search(ctx, chat.ConversationQuery{Search: search, Limit: limit})
	return matches, err
}

// Degraded returns a notice if Redis does not work. Answers then continue, but are
// delivered only when they end.
func (b *adapter) Degraded(ctx context.Context) (string, error) {
	ready, err := b.cl.Ready(ctx)
	switch ready.Redis {
	case "", "ok":
		return "", err
	case "down":
		return "Redis is down; answers continue", err
	}
	return "Redis: " + sanitize.Line(ready.Redis) + "; answers continue", err
}

func (b *adapter) Regenerate(ctx context.Context, messageID, model string) (chat.Accepted, error) {
	return b.cl.Regenerate(ctx, messageID, chat.Regeneration{Model: model, Priority: b.priority}, "")
}

func (b *adapter) Continue(ctx context.Context, messageID, model string) (chat.Accepted, error) {
	return b.cl.Regenerate(ctx, messageID, chat.Regeneration{Continue: true, Model: model, Priority: b.priority}, "")
}

func (b *adapter) Rename(ctx context.Context, id, title string) error {
	_, err := b.cl.UpdateConversation(ctx, id, chat.ConversationPatch{Title: &title})
	return err
}

func (b *adapter) Compact(ctx context.Context, id string) error {
	_, err := b.cl.Compact(ctx, id, "")
	return err
}

func (b *adapter) UndoCompact(ctx context.Context, id string) error {
	_, err := b.cl.UndoCompact(ctx, id)
	return err
}

func (b *adapter) SetParameters(ctx context.Context, id string, p *chat.Parameters) error {
	if p == nil {
		p = &chat.Parameters{}
	}
	_, err := b.cl.UpdateConversation(ctx, id, chat.ConversationPatch{Parameters: p})
	return err
}

func (b *adapter) Delete(ctx context.Context, id string) error {
	err := b.cl.DeleteConversation(ctx, id)
	if chat.IsCode(err, chat.CodeNotFound) {
		return nil // it is already deleted
	}
	return err
}

func (b *adapter) Models(ctx context.Context) ([]chat.Model, error) { return b.cl.Models(ctx) }

func (b *adapter) Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error] {
	return b.cl.Follow(ctx, taskID, from)
}
