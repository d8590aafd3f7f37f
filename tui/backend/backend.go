// Package backend is what the screen needs of the server.
package backend

import (
	"context"
	"iter"

	"chat"
	"chat/tui/connection"
	"chat/tui/deletion"
)

// Backend is what the screen needs of the server. Its methods are called from
// commands, never from Update, and may block until ctx ends. Every text that they
// return passes the sanitizer before it is shown.
type Backend interface {
	// Conversations lists conversations, newest first. search matches titles and
	// contents; "" matches all.
	Conversations(ctx context.Context, search string) ([]chat.Conversation, error)
	// Messages returns a conversation and its messages in order of acceptance.
	Messages(ctx context.Context, conversationID string) (chat.Conversation, []chat.Message, error)
	// Send submits a message; conversationID "" makes a new conversation.
	Send(ctx context.Context, conversationID string, sub chat.Submission) (chat.Accepted, error)
	// Upload stores an image, a PDF or a text file, to which messages can then refer.
	Upload(ctx context.Context, data []byte) (chat.Attachment, error)
	// Stop cancels a task. Stopping one that has ended is not an error.
	Stop(ctx context.Context, taskID string) error
	// Running lists the tasks that are queued or running.
	Running(ctx context.Context) ([]chat.Task, error)
	// Models lists the models that can be asked.
	Models(ctx context.Context) ([]chat.Model, error)
	// Follow yields a task's chunks after from, and the changes of the connection
	// underneath, which it restores itself. It ends after the terminal chunk, after
	// yielding an error, or with ctx.
	Follow(ctx context.Context, taskID string, from chat.Position) iter.Seq2[chat.FollowEvent, error]
}

// What a Backend may implement besides. The screen offers what it finds.
type (
	// Regenerator makes a sibling of an answer; model "" is that of the answer. Continue makes
	// one that begins with the text of the answer, which was cut.
	Regenerator interface {
		Regenerate(ctx context.Context, messageID, model string) (chat.Accepted, error)
		Continue(ctx context.Context, messageID, model string) (chat.Accepted, error)
	}
	// Renamer gives a conversation another title.
	Renamer interface {
		Rename(ctx context.Context, conversationID, title string) error
	}
	// Compacter asks for a summary of a conversation, whose model then gets it in place of the
	// messages that it stands for, or stops the use of the newest one.
	Compacter interface {
		Compact(ctx context.Context, conversationID string) error
		UndoCompact(ctx context.Context, conversationID string) error
	}
	// ParameterKeeper replaces the parameters of a conversation; nil clears them.
	ParameterKeeper interface {
		SetParameters(ctx context.Context, conversationID string, p *chat.Parameters) error
	}
	// SnippetFinder finds the conversations that have the words of a search, newest
	// first, with the message and the part of a line that have most of them.
	SnippetFinder interface {
		Snippets(ctx context.Context, search string, limit int) ([]chat.Match, error)
	}
	// Deleter deletes conversations.
	Deleter = deletion.Deleter
	// HealthChecker says what is down while the server still works.
	HealthChecker = connection.HealthChecker
	// TaskLister lists the newest tasks, ended ones included.
	TaskLister = connection.TaskLister
)
