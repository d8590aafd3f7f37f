package tui

import (
	"context"
	"iter"

	"chat"
)

// Backend is what the screen needs of the rest of the world. Its methods are
// called from commands, never from Update, and may block until ctx ends. Nothing
// they return is trusted: every text passes the sanitizer before it is shown.
type Backend interface {
	// Conversations lists conversations, newest first. search matches titles and
	// contents; "" matches all.
	Conversations(ctx context.Context, search string) ([]chat.Conversation, error)
	// Messages returns a conversation and its messages in order of acceptance.
	Messages(ctx context.Context, conversationID string) (chat.Conversation, []chat.Message, error)
	// Send submits a message; conversationID "" makes a new conversation.
	Send(ctx context.Context, conversationID string, sub chat.Submission) (chat.Accepted, error)
	// Stop cancels a task. Stopping one that has ended is not an error.
	Stop(ctx context.Context, taskID string) error
	// Running lists the tasks that are queued or running.
	Running(ctx context.Context) ([]chat.Task, error)
	// Models lists the models that can be asked.
	Models(ctx context.Context) ([]chat.Model, error)
	// Follow yields a task's chunks after from, and the changes of the connection
	// underneath, which it restores by itself. It ends after the terminal chunk,
	// after yielding an error, or with ctx.
	Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error]
}
