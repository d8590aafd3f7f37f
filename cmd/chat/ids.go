package main

import (
	"context"
	"strings"

	"chat"
	"chat/daemon/client"
)

// last stands for the newest task or conversation.
const last = "last"

// short is the part of an id that is shown: its end, which is random. The
// beginning of a UUIDv7 is the time, the same for all of a minute.
func short(id string) string {
	return id[max(0, len(id)-8):]
}

const fullID = 36

// looksLikeID reports whether s can be an id or a part of one.
func looksLikeID(s string) bool {
	if s == last {
		return true
	}
	s = strings.ToLower(s)
	return len(s) >= 4 && len(s) <= fullID && strings.Trim(s, "0123456789abcdef-") == ""
}

func noSuch(what, ref string) error {
	return chat.Errorf(chat.CodeNotFound, "there is no %s %q: `chat ps --all` lists tasks, `chat ls` conversations", what, ref)
}

func ambiguous(what, ref string, ids []string) error {
	return chat.Errorf(chat.CodeAmbiguous, "%q fits several %ss: %s", ref, what, strings.Join(ids, ", "))
}

// shownMatches is how many of several matches an error names.
const shownMatches = 5

// findTask is the task that ref means: an id, its beginning or end, or last.
func findTask(ctx context.Context, c *client.Client, ref string) (chat.Task, error) {
	if !looksLikeID(ref) {
		return chat.Task{}, noSuch("task", ref)
	}
	q := chat.TaskQuery{ID: strings.ToLower(ref), Limit: shownMatches}
	if ref == last {
		q = chat.TaskQuery{Limit: 1}
	}
	tasks, err := c.Tasks(ctx, q)
	if err != nil {
		return chat.Task{}, err
	}
	switch len(tasks) {
	case 0:
		return chat.Task{}, noSuch("task", ref)
	case 1:
		return tasks[0], nil
	}
	var ids []string
	for _, t := range tasks {
		ids = append(ids, t.ID)
	}
	return chat.Task{}, ambiguous("task", ref, ids)
}

// findConversation is the conversation that ref means.
func findConversation(ctx context.Context, c *client.Client, ref string) (chat.Conversation, error) {
	if !looksLikeID(ref) {
		return chat.Conversation{}, noSuch("conversation", ref)
	}
	q := chat.ConversationQuery{ID: strings.ToLower(ref), Limit: shownMatches}
	if ref == last {
		q = chat.ConversationQuery{Limit: 1}
	}
	list, _, err := c.Conversations(ctx, q)
	if err != nil {
		return chat.Conversation{}, err
	}
	switch len(list) {
	case 0:
		return chat.Conversation{}, noSuch("conversation", ref)
	case 1:
		return list[0], nil
	}
	var ids []string
	for _, conv := range list {
		ids = append(ids, conv.ID)
	}
	return chat.Conversation{}, ambiguous("conversation", ref, ids)
}

// findTaskOf is the task that ref means, or else the newest one of the
// conversation that ref means.
func findTaskOf(ctx context.Context, c *client.Client, ref string) (chat.Task, error) {
	t, err := findTask(ctx, c, ref)
	if !chat.IsCode(err, chat.CodeNotFound) {
		return t, err
	}
	conv, cerr := findConversation(ctx, c, ref)
	if chat.IsCode(cerr, chat.CodeNotFound) {
		return chat.Task{}, chat.Errorf(chat.CodeNotFound, "there is no task or conversation %q: `chat ps --all` and `chat ls` list them", ref)
	}
	if cerr != nil {
		return chat.Task{}, cerr
	}
	tasks, err := c.Tasks(ctx, chat.TaskQuery{ConversationID: conv.ID, Limit: 1})
	if err == nil && len(tasks) == 0 {
		err = chat.Errorf(chat.CodeNotFound, "the conversation %s has no answers yet", short(conv.ID))
	}
	if err != nil {
		return chat.Task{}, err
	}
	return tasks[0], nil
}
