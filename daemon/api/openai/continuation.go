package openai

import (
	"encoding/json"

	"chat"
	"chat/internal/thread"
)

// place sets where the message belongs: after a response, in a conversation, or in a new
// one.
func (q *responseRequest) place(d *reader, sub *chat.Submission, o *origin) error {
	switch {
	case q.PreviousResponseID != "":
		task, err := d.previous(q.PreviousResponseID)
		if err != nil {
			return err
		}
		sub.ConversationID, sub.ParentID = task.ConversationID, task.MessageID
	case len(q.Conversation) > 0 && string(q.Conversation) != "null":
		id, err := conversationID(q.Conversation)
		if err != nil {
			return err
		}
		sub.ConversationID, o.InConversation = id, true
	}
	sub.Temporary = o.NotStored
	if sub.ConversationID == "" || !o.NotStored && !o.Compaction {
		return nil
	}
	return copyThread(d, sub)
}

// previous returns the task of the response to continue. A response that is not stored can be
// continued over the socket that made it only.
func (d *reader) previous(id string) (chat.Task, error) {
	taskID, err := taskOf(id)
	if err != nil {
		return chat.Task{}, noPrevious(id)
	}
	task, err := d.Backend.Store().Task(d.Request.Context(), d.Backend.Owner(d.Request), taskID)
	if err != nil && !chat.IsCode(err, chat.CodeNotFound) {
		return task, err
	}
	if o := originOf(task); err != nil || o.Deleted || o.Compaction || o.NotStored && task.ID != d.kept {
		return task, noPrevious(id)
	}
	if !task.State.Terminal() {
		return task, chat.Errorf(chat.CodeBusy, "previous_response_id: that response is not complete: wait for it, or cancel it")
	}
	return task, nil
}

// copyThread moves a submission from its conversation to a new one, with a copy of the
// messages before it.
func copyThread(d *reader, sub *chat.Submission) error {
	conv, err := d.Backend.Store().Conversation(d.Request.Context(), d.Backend.Owner(d.Request), sub.ConversationID)
	if err != nil {
		return err
	}
	before, err := threadBefore(d, sub)
	if err != nil {
		return err
	}
	sub.History = append(before, sub.History...)
	sub.ConversationID, sub.ParentID, sub.System = "", "", conv.System
	return nil
}

// threadBefore returns the stored messages that a submission continues.
func threadBefore(d *reader, sub *chat.Submission) ([]chat.Message, error) {
	all, err := d.Backend.Store().Messages(d.Request.Context(), d.Backend.Owner(d.Request), sub.ConversationID)
	if err != nil {
		return nil, err
	}
	path := thread.New(all).Path(nil)
	if sub.ParentID != "" {
		path = thread.New(all).To(sub.ParentID)
	}
	before := make([]chat.Message, 0, len(path)+len(sub.History))
	for i := range path {
		before = append(before, chat.Message{Role: path[i].Role, Parts: path[i].Parts})
	}
	return before, nil
}

// checkResults returns an error if a submission has the result of a tool without its call.
func checkResults(d *reader, sub *chat.Submission) error {
	id := resultWithoutCall(sub.History, sub.Parts)
	if id != "" && sub.ConversationID != "" {
		before, err := threadBefore(d, sub)
		if err != nil {
			return err
		}
		id = resultWithoutCall(append(before, sub.History...), sub.Parts)
	}
	if id != "" {
		return invalid("input: there is no function call with the call_id %q: send the call before its output", id)
	}
	return nil
}

// resultWithoutCall returns the id of a call whose result comes without it, "" if there is
// none.
func resultWithoutCall(history []chat.Message, last chat.Parts) string {
	calls := map[string]bool{}
	missing := func(list chat.Parts) string {
		for i := range list {
			switch p := &list[i]; {
			case p.Type == chat.PartToolCall:
				calls[p.CallID] = true
			case p.Type == chat.PartToolResult && !calls[p.CallID]:
				return p.CallID
			}
		}
		return ""
	}
	for i := range history {
		if id := missing(history[i].Parts); id != "" {
			return id
		}
	}
	return missing(last)
}

// conversationID reads the field conversation: an id, or an object with one.
func conversationID(raw json.RawMessage) (string, error) {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		var object conversationRef
		if json.Unmarshal(raw, &object) != nil || object.ID == "" {
			return "", invalid("conversation must be an id, or an object with an id")
		}
		id = object.ID
	}
	return parseID(id, conversationPrefix, "conversation")
}
