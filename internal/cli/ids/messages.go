package ids

import (
	"context"
	"errors"
	"strings"

	"chat"
	"chat/daemon/client"
)

// FindPrompt returns the user message that ref means, or the newest one.
func FindPrompt(ctx context.Context, cl *client.Client, conv chat.Conversation, ref string) (chat.Message, error) {
	list, err := cl.Messages(ctx, conv.ID)
	if err != nil {
		return chat.Message{}, err
	}
	var prompts []chat.Message
	for _, m := range list {
		if m.Role == chat.RoleUser {
			prompts = append(prompts, m)
		}
	}
	if ref != "" {
		prompts = Closest(prompts, func(m chat.Message) string { return m.ID }, strings.ToLower(ref))
	}
	switch {
	case len(prompts) == 0:
		return chat.Message{}, chat.Errorf(chat.CodeNotFound, "there is no message %q of yours in the conversation %s", ref, Short(conv.ID))
	case ref != "" && len(prompts) > 1:
		return chat.Message{}, Ambiguous("messages", ref, DescribeAll(prompts, func(m chat.Message) string { return Short(m.ID) + "  " + m.AllParts().Title() }))
	}
	return prompts[len(prompts)-1], nil
}

// FindMessage returns the message of a conversation that ref means.
func FindMessage(ctx context.Context, cl *client.Client, conv chat.Conversation, ref string) (chat.Message, error) {
	list, err := cl.Messages(ctx, conv.ID)
	if err != nil {
		return chat.Message{}, err
	}
	found := Closest(list, func(m chat.Message) string { return m.ID }, strings.ToLower(ref))
	switch len(found) {
	case 0:
		return chat.Message{}, chat.Errorf(chat.CodeNotFound, "there is no message %q in the conversation %s: chat show --json %[2]s lists the ids", ref, Short(conv.ID))
	case 1:
		return found[0], nil
	}
	return chat.Message{}, Ambiguous("messages", ref, DescribeAll(found, func(m chat.Message) string {
		return Short(m.ID) + "  " + string(m.Role) + "  " + m.AllParts().Title()
	}))
}

// FindTasks returns the tasks that refs mean, or all active tasks without refs. It
// returns the tasks that it found together with the error about the others.
func FindTasks(ctx context.Context, cl *client.Client, refs []string) ([]chat.Task, error) {
	if len(refs) == 0 {
		return cl.Tasks(ctx, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: MaxListed})
	}
	var tasks []chat.Task
	var errs error
	for _, ref := range refs {
		t, err := FindTaskOf(ctx, cl, ref)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		tasks = append(tasks, t)
	}
	return tasks, errs
}
