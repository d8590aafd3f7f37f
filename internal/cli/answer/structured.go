package answer

import (
	"bytes"
	"context"
	"encoding/json"

	"chat"
	"chat/daemon/client"
	"chat/internal/schema"
)

// OfTask returns the answer of a task before its first chunk. It asks the server whether the
// answer is structured.
func OfTask(ctx context.Context, cl *client.Client, taskID string) (*answer, error) {
	t, err := cl.Task(ctx, taskID)
	if err != nil {
		return nil, err
	}
	return New(t.ID, t.ConversationID, t.MessageID).Structured(t.Parameters), nil
}

// Structured says that the answer is JSON if the parameters ask for that.
func (a *answer) Structured(p *chat.Parameters) *answer {
	a.structured = p != nil && p.Format != nil
	return a
}

// object returns the JSON value in a structured answer that matches its schema, otherwise nil.
func (a *answer) object() json.RawMessage {
	if !a.structured || a.state != chat.TaskDone || a.problem != nil {
		return nil
	}
	value, err := schema.Find(a.parts.Text())
	if err != nil {
		return nil // a call of a tool
	}
	return value
}

// structuredText is what is written of a structured answer: its JSON, or the whole text if
// that does not match. Pretty is Markdown.
func (a *answer) structuredText(pretty bool) string {
	value := a.object()
	var b bytes.Buffer
	switch {
	case value == nil:
		return a.parts.Text()
	case pretty && json.Indent(&b, value, "", "  ") == nil:
		return "```json\n" + b.String() + "\n```"
	}
	return string(value)
}
