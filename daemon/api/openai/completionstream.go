package openai

import (
	"encoding/json"
	"net/http"

	"chat"
)

// completionEncoder encodes a stream as chunks of a chat completion. The format has neither
// positions nor a way to take text back: after a reset behind the first text it ends with an
// error, and a client that repeats its request with the same Idempotency-Key gets the whole
// answer.
type completionEncoder struct {
	head  completionHead
	usage bool // a last chunk with the usage was asked for

	prefix string // of each chunk, up to its choices
	parts  chat.Parts
	calls  int    // tool calls so far
	call   string // the id of the last one
	sent   bool   // text or a call has been sent
}

// completionDelta is the delta of a choice.
type completionDelta struct {
	Role      string     `json:"role,omitempty"`
	Content   *string    `json:"content,omitempty"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

// Open implements surface.Encoder.
func (e *completionEncoder) Open(dst []byte) []byte {
	head, _ := json.Marshal(struct { // strings and numbers can be encoded
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		Model   string `json:"model"`
	}{e.head.ID, "chat.completion.chunk", e.head.Created, e.head.Model})
	e.prefix = "data: " + string(head[:len(head)-1]) + `,"choices":[`
	empty := ""
	return e.delta(dst, completionDelta{Role: "assistant", Content: &empty}, "")
}

// Idle implements surface.Encoder.
func (*completionEncoder) Idle(dst []byte) []byte { return append(dst, ": still here\n"...) }

// Append implements surface.Encoder.
func (e *completionEncoder) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	if raw, ok := c.RawContent(); ok {
		if raw == "" {
			return dst, nil
		}
		e.sent = true
		name := `{"index":0,"delta":{"content":"`
		if c.Type == chat.ChunkReasoning {
			name = `{"index":0,"delta":{"reasoning_content":"`
		}
		dst = append(dst, e.prefix...)
		dst = append(dst, name...)
		dst = append(dst, raw...)
		return append(dst, "\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n"...), nil
	}
	chunk, err := c.Decode()
	if err != nil {
		return dst, err
	}
	if chunk.Type == chat.ChunkReset && e.sent {
		err := chat.Errorf(chat.CodeAnswerRestarted, "the answer was started again, and this format cannot take back what was sent: repeat the request with its Idempotency-Key, or use the Responses API")
		return appendError(dst, err, http.StatusInternalServerError), err
	}
	return e.decoded(dst, chunk), nil
}

func (e *completionEncoder) decoded(dst []byte, c chat.Chunk) []byte {
	e.parts.Apply(c)
	switch c.Type {
	case chat.ChunkContent:
		if c.Content != "" {
			e.sent = true
			dst = e.delta(dst, completionDelta{Content: &c.Content}, "")
		}
	case chat.ChunkReasoning:
		if c.Content != "" {
			e.sent = true
			dst = e.delta(dst, completionDelta{Reasoning: c.Content}, "")
		}
	case chat.ChunkToolCall:
		dst = e.toolCall(dst, c)
	case chat.ChunkDone, chat.ChunkError:
		dst = e.end(dst, c)
	case chat.ChunkToolResult, chat.ChunkReset:
	default:
	}
	return dst
}

func (e *completionEncoder) toolCall(dst []byte, c chat.Chunk) []byte {
	e.sent = true
	var call chatCall
	if e.calls == 0 || c.CallID != e.call {
		e.calls, e.call = e.calls+1, c.CallID
		call.ID, call.Type = c.CallID, "function"
	}
	index := e.calls - 1
	call.Index = &index
	call.Function.Name, call.Function.Arguments = c.Name, c.Content
	return e.delta(dst, completionDelta{ToolCalls: []chatCall{call}}, "")
}

func (e *completionEncoder) end(dst []byte, c chat.Chunk) []byte {
	if err := failureIn(c); err != nil {
		return appendError(dst, err, http.StatusInternalServerError)
	}
	parts := e.parts
	if e.calls > 0 { // text was not folded
		parts = chat.Parts{{Type: chat.PartToolCall}}
	}
	dst = e.delta(dst, completionDelta{}, finishReason(c.FinishReason, parts))
	if e.usage {
		usage, _ := json.Marshal(usageOf(c.Usage)) // numbers can be encoded
		dst = append(dst, e.prefix...)
		dst = append(dst, `],"usage":`...)
		dst = append(append(dst, usage...), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// delta appends one chunk.
func (e *completionEncoder) delta(dst []byte, d completionDelta, reason string) []byte {
	choice, _ := json.Marshal(struct { // strings and numbers can be encoded
		Index        int             `json:"index"`
		Delta        completionDelta `json:"delta"`
		Logprobs     *struct{}       `json:"logprobs"`
		FinishReason *string         `json:"finish_reason"`
	}{Delta: d, FinishReason: orNil(reason)})
	dst = append(dst, e.prefix...)
	return append(append(dst, choice...), "]}\n\n"...)
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// appendError appends an error, at which clients stop.
func appendError(dst []byte, err *chat.Error, status int) []byte {
	data, _ := json.Marshal(apiError{bodyOf(err, status)}) // strings can be encoded
	dst = append(dst, "data: "...)
	return append(append(dst, data...), "\n\n"...)
}
