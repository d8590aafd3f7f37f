package main

import (
	"context"
	"strings"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/sanitize"
)

// last stands for the newest task or conversation.
const last = "last"

// short is the part of an id that is shown: its end, which is random. The
// beginning of a UUIDv7 is the time, the same for all of a minute.
func short(id string) string {
	return id[max(0, len(id)-shownID):]
}

const (
	fullID  = 36
	shownID = 8
)

// looksLikeID reports whether s can be an id or a part of one.
func looksLikeID(s string) bool {
	if s == last {
		return true
	}
	s = strings.ToLower(s)
	return s != "" && len(s) <= fullID && strings.Trim(s, "0123456789abcdef-") == ""
}

func noSuch(what, ref string) error {
	return chat.Errorf(chat.CodeNotFound, "there is no %s %q: `chat ps --all` lists tasks, `chat ls` conversations", what, ref)
}

func noSuchTaskOrConversation(ref string) error {
	return chat.Errorf(chat.CodeNotFound, "there is no task or conversation %q: `chat ps --all` and `chat ls` list them", ref)
}

// What is said of last when there is nothing at all.
func noTaskYet() error {
	return chat.Errorf(chat.CodeNotFound, "nothing has been asked yet: chat send \"…\" does")
}

func noConversationYet() error {
	return chat.Errorf(chat.CodeNotFound, "there is no conversation yet: chat \"…\" begins one")
}

// shownMatches is how many of several matches an error names.
const shownMatches = 5

// ambiguous is the error of a reference that fits several objects, which lines describe.
func ambiguous(what, ref string, lines []string) error {
	if len(lines) > shownMatches {
		lines = append(lines[:shownMatches:shownMatches], "…")
	}
	return chat.Errorf(chat.CodeAmbiguous, "%q fits several %s; give more of the id:\n  %s", ref, what, strings.Join(lines, "\n  "))
}

func describeTask(t chat.Task) string {
	return short(t.ID) + "  " + string(t.State) + "  in the conversation " + short(t.ConversationID)
}

func describeConversation(c chat.Conversation) string {
	return short(c.ID) + "  " + sanitize.Line(c.Title)
}

func describeAll[T any](list []T, describe func(T) string) []string {
	var lines []string
	for _, v := range list {
		lines = append(lines, describe(v))
	}
	return lines
}

// closest are those of list that ref fits best: as the beginning of the shown id,
// else of the full one, else as its end.
func closest[T any](list []T, id func(T) string, ref string) []T {
	var found []T
	best := noFit
	for _, v := range list {
		switch fit := fits(id(v), ref); {
		case fit < best:
			best, found = fit, []T{v}
		case fit == best && fit != noFit:
			found = append(found, v)
		}
	}
	return found
}

const noFit = 3

// fits says how well ref fits an id: 0 is best.
func fits(id, ref string) int {
	switch {
	case strings.HasPrefix(short(id), ref):
		return 0
	case strings.HasPrefix(id, ref):
		return 1
	case strings.HasSuffix(id, ref):
		return 2
	}
	return noFit
}

func taskID(t chat.Task) string                 { return t.ID }
func conversationID(c chat.Conversation) string { return c.ID }

// tasksLike are the tasks that ref may mean: none, one, or several.
func tasksLike(ctx context.Context, c *client.Client, ref string) ([]chat.Task, error) {
	switch {
	case ref == last:
		return c.Tasks(ctx, chat.TaskQuery{Limit: 1})
	case !looksLikeID(ref):
		return nil, nil
	}
	ref = strings.ToLower(ref)
	list, err := c.Tasks(ctx, chat.TaskQuery{ID: ref, Limit: maxListed})
	return closest(list, taskID, ref), err
}

// conversationsLike are the conversations that ref may mean.
func conversationsLike(ctx context.Context, c *client.Client, ref string) ([]chat.Conversation, error) {
	switch {
	case ref == last:
		list, _, err := c.Conversations(ctx, chat.ConversationQuery{Limit: 1})
		return list, err
	case !looksLikeID(ref):
		return nil, nil
	}
	ref = strings.ToLower(ref)
	list, _, err := c.Conversations(ctx, chat.ConversationQuery{ID: ref, Limit: maxListed})
	return closest(list, conversationID, ref), err
}

// findConversation is the conversation that ref means: an id, its beginning or
// end, or last.
func findConversation(ctx context.Context, c *client.Client, ref string) (chat.Conversation, error) {
	list, err := conversationsLike(ctx, c, ref)
	switch {
	case err != nil:
		return chat.Conversation{}, err
	case len(list) == 1:
		return list[0], nil
	case len(list) > 1:
		return chat.Conversation{}, ambiguous("conversations", ref, describeAll(list, describeConversation))
	case ref == last:
		return chat.Conversation{}, noConversationYet()
	}
	return chat.Conversation{}, noSuch("conversation", ref)
}

// findConversationOf is the conversation that ref means, or that of the task that
// it means.
func findConversationOf(ctx context.Context, c *client.Client, ref string) (chat.Conversation, error) {
	conv, err := findConversation(ctx, c, ref)
	if !chat.IsCode(err, chat.CodeNotFound) || ref == last {
		return conv, err
	}
	tasks, terr := tasksLike(ctx, c, ref)
	switch {
	case terr != nil:
		return conv, terr
	case len(tasks) == 1:
		return c.Conversation(ctx, tasks[0].ConversationID)
	case len(tasks) > 1:
		return conv, ambiguous("tasks", ref, describeAll(tasks, describeTask))
	}
	return conv, err
}

// findTaskOf is the task that ref means, or else the newest one of the
// conversation that ref means.
func findTaskOf(ctx context.Context, c *client.Client, ref string) (chat.Task, error) {
	tasks, err := tasksLike(ctx, c, ref)
	switch {
	case err != nil:
		return chat.Task{}, err
	case len(tasks) > 1:
		return chat.Task{}, ambiguous("tasks", ref, describeAll(tasks, describeTask))
	case ref == last && len(tasks) == 0:
		return chat.Task{}, noTaskYet()
	case ref == last, len(tasks) == 1 && len(ref) >= shownID:
		return tasks[0], nil
	}
	conversations, err := conversationsLike(ctx, c, ref)
	if err != nil {
		return chat.Task{}, err
	}
	if len(tasks) == 1 && len(conversations) > 0 {
		switch a, b := fits(tasks[0].ID, ref), fits(conversations[0].ID, ref); {
		case a < b:
			conversations = nil
		case a > b:
			tasks = nil
		}
	}
	switch {
	case len(tasks) == 1 && len(conversations) > 0:
		return chat.Task{}, ambiguous("things", ref, append(describeAll(tasks, describeTask), describeAll(conversations, describeConversation)...))
	case len(tasks) == 1:
		return tasks[0], nil
	case len(conversations) > 1:
		return chat.Task{}, ambiguous("conversations", ref, describeAll(conversations, describeConversation))
	case len(conversations) == 0:
		return chat.Task{}, noSuchTaskOrConversation(ref)
	}
	return newestTask(ctx, c, conversations[0])
}

// newestTask is the newest task of a conversation.
func newestTask(ctx context.Context, c *client.Client, conv chat.Conversation) (chat.Task, error) {
	tasks, err := c.Tasks(ctx, chat.TaskQuery{ConversationID: conv.ID, Limit: 1})
	if err == nil && len(tasks) == 0 {
		err = chat.Errorf(chat.CodeNotFound, "the conversation %s has no answers yet", short(conv.ID))
	}
	if err != nil {
		return chat.Task{}, err
	}
	return tasks[0], nil
}
