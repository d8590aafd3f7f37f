package tui

import (
	"context"

	"chat"
)

// What a Backend can do besides. The screen looks for these and offers what it
// finds.
type (
	// Regenerator makes a sibling of an answer; model "" is that of the answer.
	Regenerator interface {
		Regenerate(ctx context.Context, messageID, model string) (chat.Accepted, error)
	}
	// Renamer gives a conversation another title.
	Renamer interface {
		Rename(ctx context.Context, conversationID, title string) error
	}
	// Deleter deletes a conversation and stops its tasks. Deleting one that does
	// not exist is not an error.
	Deleter interface {
		Delete(ctx context.Context, conversationID string) error
	}
	// Watcher tells what of the server is down while the rest goes on, "" if nothing
	// is.
	Watcher interface {
		Trouble(ctx context.Context) (string, error)
	}
	// SnippetFinder finds the conversations that have the words of a search, newest first,
	// with the message and the part of a line that have most of them.
	SnippetFinder interface {
		Snippets(ctx context.Context, search string, limit int) ([]chat.Match, error)
	}
	// TaskLister lists the newest tasks, ended ones included.
	TaskLister interface {
		Tasks(ctx context.Context) ([]chat.Task, error)
	}
)
