// Package ids finds tasks, conversations and messages by parts of their ids.
package ids

import (
	"context"
	"strings"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/sanitize"
)

// MaxListed is the server's limit for the length of a list.
const MaxListed = 200

// Last means the newest task or conversation.
const Last = "last"

// Short returns the displayed part of an id: its random end. A UUIDv7 starts with the
// time, which nearby ids share.
func Short(id string) string {
	return id[max(0, len(id)-shownLength):]
}

const (
	FullLength  = 36
	shownLength = 8
)

// looksLikeID reports whether s can be an id or a part of one.
func looksLikeID(s string) bool {
	if s == Last {
		return true
	}
	s = strings.ToLower(s)
	return s != "" && len(s) <= FullLength && strings.Trim(s, "0123456789abcdef-") == ""
}

func noSuch(what, ref string) error {
	return chat.Errorf(chat.CodeNotFound, "there is no %s %q: `chat ps --all` lists tasks, `chat ls` conversations", what, ref)
}

func noSuchTaskOrConversation(ref string) error {
	return chat.Errorf(chat.CodeNotFound, "there is no task or conversation %q: `chat ps --all` and `chat ls` list them", ref)
}

// The errors of last if nothing exists.
func noTaskYet() error {
	return chat.Errorf(chat.CodeNotFound, "there is no task yet: start one with chat send \"…\"")
}

func NoConversationYet() error {
	return chat.Errorf(chat.CodeNotFound, "there is no conversation yet: start one with chat \"…\"")
}

// shownMatches is the number of matches that an error lists.
const shownMatches = 5

// Ambiguous returns the error for a reference that matches several objects. Lines describe them.
func Ambiguous(what, ref string, lines []string) error {
	if len(lines) > shownMatches {
		lines = append(lines[:shownMatches:shownMatches], "…")
	}
	return chat.Errorf(chat.CodeAmbiguous, "%q matches several %s; give more of the id:\n  %s", ref, what, strings.Join(lines, "\n  "))
}

func describeTask(t chat.Task) string {
	return Short(t.ID) + "  " + string(t.State) + "  in the conversation " + Short(t.ConversationID)
}

func describeConversation(c chat.Conversation) string {
	return Short(c.ID) + "  " + sanitize.Line(c.Title)
}

func DescribeAll[T any](list []T, describe func(T) string) []string {
	var lines []string
	for _, v := range list {
		lines = append(lines, describe(v))
	}
	return lines
}

// Closest returns the best matches of ref: as a prefix of the short id, else as a prefix
// of the full id, else as a suffix.
func Closest[T any](list []T, id func(T) string, ref string) []T {
	var found []T
	best := noMatch
	for _, v := range list {
		switch fit := matchRank(id(v), ref); {
		case fit < best:
			best, found = fit, []T{v}
		case fit == best && fit != noMatch:
			found = append(found, v)
		}
	}
	return found
}

const noMatch = 3

// matchRank ranks how ref matches an id; 0 is best.
func matchRank(id, ref string) int {
	switch {
	case strings.HasPrefix(Short(id), ref):
		return 0
	case strings.HasPrefix(id, ref):
		return 1
	case strings.HasSuffix(id, ref):
		return 2
	}
	return noMatch
}

// Matches reports whether ref matches an id.
func Matches(id, ref string) bool { return matchRank(id, ref) != noMatch }

func taskID(t chat.Task) string                 { return t.ID }
func conversationID(c chat.Conversation) string { return c.ID }

// matchTasks returns the tasks that ref matches.
func matchTasks(ctx context.Context, c *client.Client, ref string) ([]chat.Task, error) {
	switch {
	case ref == Last:
		return c.Tasks(ctx, chat.TaskQuery{Answers: true, Limit: 1})
	case !looksLikeID(ref):
		return nil, nil
	}
	ref = strings.ToLower(ref)
	list, err := c.Tasks(ctx, chat.TaskQuery{ID: ref, Limit: MaxListed})
	return Closest(list, taskID, ref), err
}

// matchConversations returns the conversations that ref matches.
func matchConversations(ctx context.Context, c *client.Client, ref string) ([]chat.Conversation, error) {
	switch {
	case ref == Last:
		list, _, err := c.Conversations(ctx, chat.ConversationQuery{Limit: 1})
		return list, err
	case !looksLikeID(ref):
		return nil, nil
	}
	ref = strings.ToLower(ref)
	list, _, err := c.Conversations(ctx, chat.ConversationQuery{ID: ref, Limit: MaxListed})
	return Closest(list, conversationID, ref), err
}

// FindConversation returns the conversation that ref means: an id, a prefix or suffix of
// it, or last.
func FindConversation(ctx context.Context, c *client.Client, ref string) (chat.Conversation, error) {
	list, err := matchConversations(ctx, c, ref)
	switch {
	case err != nil:
		return chat.Conversation{}, err
	case len(list) == 1:
		return list[0], nil
	case len(list) > 1:
		return chat.Conversation{}, Ambiguous("conversations", ref, DescribeAll(list, describeConversation))
	case ref == Last:
		return chat.Conversation{}, NoConversationYet()
	}
	return chat.Conversation{}, noSuch("conversation", ref)
}

// FindConversationOf is like FindConversation, but ref may also mean a task of the
// conversation.
func FindConversationOf(ctx context.Context, c *client.Client, ref string) (chat.Conversation, error) {
	conv, err := FindConversation(ctx, c, ref)
	if !chat.IsCode(err, chat.CodeNotFound) || ref == Last {
		return conv, err
	}
	tasks, terr := matchTasks(ctx, c, ref)
	switch {
	case terr != nil:
		return conv, terr
	case len(tasks) == 1:
		return c.Conversation(ctx, tasks[0].ConversationID)
	case len(tasks) > 1:
		return conv, Ambiguous("tasks", ref, DescribeAll(tasks, describeTask))
	}
	return conv, err
}

// FindTaskOf returns the task that ref means, or the newest task of the conversation
// that ref means.
func FindTaskOf(ctx context.Context, c *client.Client, ref string) (chat.Task, error) {
	tasks, err := matchTasks(ctx, c, ref)
	switch {
	case err != nil:
		return chat.Task{}, err
	case len(tasks) > 1:
		return chat.Task{}, Ambiguous("tasks", ref, DescribeAll(tasks, describeTask))
	case ref == Last && len(tasks) == 0:
		return chat.Task{}, noTaskYet()
	case ref == Last, len(tasks) == 1 && len(ref) >= shownLength:
		return tasks[0], nil
	}
	conversations, err := matchConversations(ctx, c, ref)
	if err != nil {
		return chat.Task{}, err
	}
	if len(tasks) == 1 && len(conversations) > 0 {
		switch a, b := matchRank(tasks[0].ID, ref), matchRank(conversations[0].ID, ref); {
		case a < b:
			conversations = nil
		case a > b:
			tasks = nil
		}
	}
	switch {
	case len(tasks) == 1 && len(conversations) > 0:
		return chat.Task{}, Ambiguous("tasks and conversations", ref, append(DescribeAll(tasks, describeTask), DescribeAll(conversations, describeConversation)...))
	case len(tasks) == 1:
		return tasks[0], nil
	case len(conversations) > 1:
		return chat.Task{}, Ambiguous("conversations", ref, DescribeAll(conversations, describeConversation))
	case len(conversations) == 0:
		return chat.Task{}, noSuchTaskOrConversation(ref)
	}
	return newestTask(ctx, c, conversations[0])
}

// newestTask returns the newest task of a conversation.
func newestTask(ctx context.Context, c *client.Client, conv chat.Conversation) (chat.Task, error) {
	tasks, err := c.Tasks(ctx, chat.TaskQuery{ConversationID: conv.ID, Answers: true, Limit: 1})
	if err == nil && len(tasks) == 0 {
		err = chat.Errorf(chat.CodeNotFound, "the conversation %s has no answers yet", Short(conv.ID))
	}
	if err != nil {
		return chat.Task{}, err
	}
	return tasks[0], nil
}

// CheckRefs refuses references that cannot match a task or a conversation, so that no
// daemon is started for them.
func CheckRefs(empty func() bool, refs ...string) error {
	for _, ref := range refs {
		switch {
		case ref == Last && empty():
			return noTaskYet()
		case !looksLikeID(ref) || empty():
			return noSuchTaskOrConversation(ref)
		}
	}
	return nil
}

// CheckConversations is like CheckRefs, for conversations only.
func CheckConversations(empty func() bool, refs ...string) error {
	for _, ref := range refs {
		switch {
		case ref == Last && empty():
			return NoConversationYet()
		case !looksLikeID(ref) || empty():
			return noSuch("conversation", ref)
		}
	}
	return nil
}
