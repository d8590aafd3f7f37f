package answer

import (
	"encoding/json"
	"io"
	"time"

	"chat"
	"chat/internal/cli/output"
)

// event is one line of --jsonl. V is the version of the format: fields and types are
// only added, and readers ignore unknown ones. Seq starts at 1 and has no gaps. The last
// line is task.done.
type event struct {
	V            int       `json:"v"`
	Type         string    `json:"type"`
	Task         string    `json:"task"`
	Conversation string    `json:"conversation"`
	Seq          int       `json:"seq"`
	TS           time.Time `json:"ts"`

	Attempt      int             `json:"attempt,omitempty"`  // task.started, reset
	Position     string          `json:"position,omitempty"` // deltas: for attach --from
	Text         string          `json:"text,omitempty"`     // deltas; warning: a lost connection, or a notice of the answer
	CallID       string          `json:"call_id,omitempty"`  // tool_call.delta, tool_result.delta
	Name         string          `json:"name,omitempty"`
	IsError      bool            `json:"is_error,omitempty"`
	Status       chat.TaskState  `json:"status,omitempty"`
	FinishReason string          `json:"finish_reason,omitempty"`
	Message      *messageSummary `json:"message,omitempty"`
	Object       json.RawMessage `json:"object,omitempty"` // task.done: the JSON of a structured answer that matches
	Usage        *chat.Usage     `json:"usage,omitempty"`
	Error        *chat.Error     `json:"error,omitempty"`
}

// messageSummary is the generated message.
type messageSummary struct {
	ID        string     `json:"id"`
	Parts     chat.Parts `json:"parts"`
	Content   string     `json:"content"`
	Reasoning string     `json:"reasoning,omitempty"`
}

func summaryOf(a *answer) *messageSummary {
	var m chat.Message
	m.SetParts(a.parts)
	return &messageSummary{ID: a.message, Parts: m.Parts, Content: m.Content, Reasoning: m.Reasoning}
}

// jsonLines writes the events of --jsonl.
type jsonLines struct {
	out     io.Writer
	seq     int
	started int // the attempt that task.started was written for
}

func (j *jsonLines) write(a *answer, e event) error {
	if j.seq == 0 && e.Type != "task.queued" {
		if err := j.write(a, event{Type: "task.queued"}); err != nil {
			return err
		}
	}
	j.seq++
	e.V, e.Seq, e.Task, e.Conversation, e.TS = 1, j.seq, a.task, a.conversation, time.Now().UTC()
	return output.WriteJSONLine(j.out, e)
}

func (j *jsonLines) chunk(a *answer, c chat.Chunk) error {
	if c.Type == chat.ChunkReset && j.started > 0 {
		if err := j.write(a, event{Type: "reset", Attempt: c.Attempt}); err != nil {
			return err
		}
	}
	if c.Attempt > j.started && !c.Terminal() {
		j.started = c.Attempt
		if err := j.write(a, event{Type: "task.started", Attempt: c.Attempt}); err != nil {
			return err
		}
	}
	switch c.Type {
	case chat.ChunkContent:
		return j.write(a, event{Type: "text.delta", Text: c.Content, Position: c.Position().String()})
	case chat.ChunkReasoning:
		if c.Content == "" {
			return nil // it only has the duration of the reasoning
		}
		return j.write(a, event{Type: "reasoning.delta", Text: c.Content, Position: c.Position().String()})
	case chat.ChunkToolCall:
		return j.write(a, event{Type: "tool_call.delta", CallID: c.CallID, Name: c.Name, Text: c.Content, Position: c.Position().String()})
	case chat.ChunkToolResult:
		return j.write(a, event{Type: "tool_result.delta", CallID: c.CallID, IsError: c.IsError, Text: c.Content, Position: c.Position().String()})
	default: // end writes the end; unknown chunks are ignored
	}
	return nil
}

// link writes a warning for a lost connection. Before the first chunk it writes
// task.queued.
func (j *jsonLines) link(a *answer, l chat.ConnState) error {
	if l.State == chat.ConnReconnecting {
		return j.write(a, event{Type: "warning", Text: "reconnecting: " + l.Reason})
	}
	if j.seq == 0 {
		return j.write(a, event{Type: "task.queued"})
	}
	return nil
}

func (j *jsonLines) end(a *answer) error {
	for _, notice := range a.notices {
		if err := j.write(a, event{Type: "warning", Text: notice}); err != nil {
			return err
		}
	}
	if a.usage != nil {
		if err := j.write(a, event{Type: "usage", Usage: a.usage}); err != nil {
			return err
		}
	}
	if a.shortfall != "" {
		if err := j.write(a, event{Type: "warning", Text: a.shortfall}); err != nil {
			return err
		}
	}
	return j.write(a, event{
		Type: "task.done", Status: a.state, FinishReason: a.finish, Message: summaryOf(a), Object: a.object(), Usage: a.usage, Error: a.problem,
	})
}

// jsonObject writes one object at the end.
type jsonObject struct {
	connNotices
	out io.Writer
}

func (*jsonObject) chunk(*answer, chat.Chunk) error { return nil }

// Result is the output of --json.
type Result struct {
	V            int             `json:"v"`
	Task         string          `json:"task"`
	Conversation string          `json:"conversation"`
	Status       string          `json:"status"`
	TaskID       string          `json:"task_id"` // these three names match those of task objects
	ConvID       string          `json:"conversation_id"`
	State        chat.TaskState  `json:"state"`
	FinishReason string          `json:"finish_reason,omitempty"`
	Message      *messageSummary `json:"message,omitempty"`
	Object       json.RawMessage `json:"object,omitempty"` // of a structured answer that matches
	Usage        *chat.Usage     `json:"usage,omitempty"`
	Error        *chat.Error     `json:"error,omitempty"`
	Notices      []string        `json:"notices,omitempty"`
}

func (j *jsonObject) end(a *answer) error {
	j.showNotices(a)
	return output.WriteJSON(j.out, Result{
		V: 1, Task: a.task, Conversation: a.conversation, Status: string(a.state), FinishReason: a.finish,
		TaskID: a.task, ConvID: a.conversation, State: a.state,
		Message: summaryOf(a), Object: a.object(), Usage: a.usage, Error: a.problem, Notices: a.notices,
	})
}
