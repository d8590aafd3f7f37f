package aisdk

import (
	"encoding/json"
	"strconv"

	"chat"
	"chat/daemon/api/surface"
)

// encoder encodes a stream as a UI message stream,
// https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. Objects have no fields beside those of
// the protocol: clients refuse others.
//
// The protocol has no positions: a stream that is resumed begins with the first chunk, under
// the same message id. Nor can it take text back: after a reset behind the first text the
// connection is cut, and the client resumes with the new attempt.
type encoder struct {
	messageID string

	parts int       // parts begun so far
	kind  string    // of the open part: text, reasoning, tool or result
	id    string    // of the open part
	call  chat.Part // the open call or result
	sent  bool      // a part has been sent
}

const (
	kindText      = "text"
	kindReasoning = "reasoning"
	kindTool      = "tool"
	kindResult    = "result"
)

var _ surface.Encoder = (*encoder)(nil)

// Open implements surface.Encoder.
func (e *encoder) Open(dst []byte) []byte {
	dst = appendEvent(dst, map[string]any{"type": "start", "messageId": e.messageID})
	return appendEvent(dst, map[string]any{"type": "start-step"})
}

// Idle implements surface.Encoder.
func (*encoder) Idle(dst []byte) []byte { return append(dst, ": still here\n"...) }

// Append implements surface.Encoder.
func (e *encoder) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	if raw, ok := c.RawContent(); ok {
		return e.text(dst, c.Type, raw), nil
	}
	chunk, err := c.Decode()
	if err != nil {
		return dst, err
	}
	switch chunk.Type {
	case chat.ChunkContent, chat.ChunkReasoning:
		raw, err := json.Marshal(chunk.Content)
		if err != nil {
			return dst, err
		}
		dst = e.text(dst, chunk.Type, string(raw[1:len(raw)-1]))
	case chat.ChunkToolCall:
		dst = e.toolCall(dst, chunk)
	case chat.ChunkToolResult:
		dst = e.toolResult(dst, chunk)
	case chat.ChunkReset:
		if e.sent {
			return dst, chat.Errorf(chat.CodeAnswerRestarted, "the answer was started again: resume the stream")
		}
	case chat.ChunkDone, chat.ChunkError:
		dst = e.end(e.close(dst), chunk)
	default: // of a newer version
	}
	return dst, nil
}

// text appends a piece of text, which is escaped for JSON.
func (e *encoder) text(dst []byte, typ chat.ChunkType, raw string) []byte {
	if raw == "" {
		return dst
	}
	kind := kindText
	if typ == chat.ChunkReasoning {
		kind = kindReasoning
	}
	if e.kind != kind {
		dst = e.close(dst)
		e.begin(kind, kind+"-"+strconv.Itoa(e.parts))
		dst = appendEvent(dst, map[string]any{"type": kind + "-start", "id": e.id})
	}
	dst = append(dst, `data: {"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `-delta","id":"`...)
	dst = append(dst, e.id...)
	dst = append(dst, `","delta":"`...)
	dst = append(dst, raw...)
	return append(dst, "\"}\n\n"...)
}

func (e *encoder) begin(kind, id string) {
	e.kind, e.id, e.sent = kind, id, true
	e.parts++
}

func (e *encoder) toolCall(dst []byte, c chat.Chunk) []byte {
	if e.kind != kindTool || e.id != c.CallID {
		dst = e.close(dst)
		e.begin(kindTool, c.CallID)
		e.call = chat.Part{Name: c.Name}
		dst = appendEvent(dst, map[string]any{"type": "tool-input-start", "toolCallId": c.CallID, "toolName": c.Name, "dynamic": true})
	}
	e.call.Text += c.Content
	if c.Content == "" {
		return dst
	}
	return appendEvent(dst, map[string]any{"type": "tool-input-delta", "toolCallId": c.CallID, "inputTextDelta": c.Content})
}

// toolResult gathers a result, because the format has no pieces of results.
func (e *encoder) toolResult(dst []byte, c chat.Chunk) []byte {
	if e.kind != kindResult || e.id != c.CallID {
		dst = e.close(dst)
		e.begin(kindResult, c.CallID)
		e.call = chat.Part{}
	}
	e.call.Text += c.Content
	e.call.IsError = e.call.IsError || c.IsError
	return dst
}

// close ends the open part, if there is one.
func (e *encoder) close(dst []byte) []byte {
	kind := e.kind
	e.kind = ""
	switch kind {
	case kindText, kindReasoning:
		return appendEvent(dst, map[string]any{"type": kind + "-end", "id": e.id})
	case kindResult:
		if e.call.IsError {
			return appendEvent(dst, map[string]any{"type": "tool-output-error", "toolCallId": e.id, "errorText": e.call.Text, "dynamic": true})
		}
		return appendEvent(dst, map[string]any{"type": "tool-output-available", "toolCallId": e.id, "output": e.call.Text, "dynamic": true})
	case kindTool:
		event := map[string]any{"type": "tool-input-available", "toolCallId": e.id, "toolName": e.call.Name, "dynamic": true}
		var input any
		if text := orObject(e.call.Text); json.Unmarshal([]byte(text), &input) == nil {
			event["input"] = json.RawMessage(text)
		} else {
			event["type"], event["input"], event["errorText"] = "tool-input-error", e.call.Text, "the arguments are not JSON"
		}
		return appendEvent(dst, event)
	}
	return dst
}

func orObject(arguments string) string {
	if arguments == "" {
		return "{}"
	}
	return arguments
}

func (e *encoder) end(dst []byte, c chat.Chunk) []byte {
	switch {
	case c.State == chat.TaskCancelled:
		dst = appendEvent(dst, map[string]any{"type": "abort", "reason": "stopped"})
	case c.Type == chat.ChunkError:
		dst = appendEvent(dst, map[string]any{"type": "error", "errorText": c.Content})
	default:
		dst = appendEvent(dst, map[string]any{"type": "finish-step"})
		dst = appendEvent(dst, map[string]any{"type": "finish", "finishReason": finishReason(c.FinishReason)})
	}
	return append(dst, "data: [DONE]\n\n"...)
}

func finishReason(reason string) string {
	switch chat.EndingOf(reason) {
	case chat.EndingLength:
		return "length"
	case chat.EndingFilter:
		return "content-filter"
	case chat.EndingTool:
		return "tool-calls"
	case chat.EndingComplete:
		return "stop"
	case chat.EndingFailure:
		return "error"
	case chat.EndingOther:
	}
	return "other"
}

func appendEvent(dst []byte, event map[string]any) []byte {
	data, _ := json.Marshal(event) // strings, booleans and JSON can be encoded
	dst = append(dst, "data: "...)
	return append(append(dst, data...), "\n\n"...)
}
