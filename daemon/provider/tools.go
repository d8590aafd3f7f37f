package provider

import (
	"encoding/json"
	"fmt"

	"github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
)

// callDelta is a piece of a tool call.
type callDelta struct {
	index     int
	id, name  string
	arguments string
}

// maxCalls bounds the tool calls of one answer.
const maxCalls = 128

// toolCalls puts the tool calls of an answer together. A part of an answer is not
// interrupted by another one, so the pieces of one call pass through, and those that
// come for others meanwhile are held back to the end.
type toolCalls struct {
	emit    func(model.Event) error
	open    int // the place of the call whose pieces pass through
	ids     []string
	places  map[int]int // in ids, by index
	held    map[int][]chat.Chunk
	started bool
}

// add takes a piece.
func (t *toolCalls) add(d callDelta) error {
	place, known := t.places[d.index]
	if known && d.id != "" && d.id != t.ids[place] { // a server that gives every call the same index
		known = false
	}
	c := chat.Chunk{Type: chat.ChunkToolCall, Content: chat.NormalizeText(d.arguments)}
	if !known {
		if len(t.ids) == maxCalls {
			return nil
		}
		place = len(t.ids)
		id := clean(d.id, chat.MaxCallID)
		if id == "" {
			id = fmt.Sprintf("call_%d", place+1)
		}
		if t.places == nil {
			t.places, t.held = map[int]int{}, map[int][]chat.Chunk{}
		}
		t.places[d.index] = place
		t.ids = append(t.ids, id)
		c.Name = clean(d.name, chat.MaxPartName)
		if c.Name == "" {
			c.Name = unnamedTool
		}
	}
	if c.CallID = t.ids[place]; c.Content == "" && c.Name == "" {
		return nil
	}
	if !t.started {
		t.started, t.open = true, place
	}
	if place != t.open {
		t.held[place] = append(t.held[place], c)
		return nil
	}
	return t.send(c)
}

// end emits what was held back, call by call.
func (t *toolCalls) end() error {
	for place := range t.ids {
		for _, c := range t.held[place] {
			if err := t.send(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// send emits a chunk in pieces of at most maxText bytes.
func (t *toolCalls) send(c chat.Chunk) error {
	for {
		rest := ""
		if n := cut(c.Content); n < len(c.Content) {
			c.Content, rest = c.Content[:n], c.Content[n:]
		}
		if err := t.emit(model.Event{Chunk: c}); err != nil || rest == "" {
			return err
		}
		c.Content, c.Name = rest, ""
	}
}

// tools are the definitions of the tools for the wire.
func tools(list []model.Tool) []openai.Tool {
	var out []openai.Tool
	for _, t := range list {
		f := &openai.FunctionDefinition{Name: t.Name, Description: t.Description}
		if len(t.Parameters) > 0 {
			f.Parameters = t.Parameters
		}
		out = append(out, openai.Tool{Type: openai.ToolTypeFunction, Function: f})
	}
	return out
}

// callsIn are the tool calls in the fields of a delta or a message.
func callsIn(fields map[string]json.RawMessage) []callDelta {
	var out []callDelta
	var calls []toolCall
	if json.Unmarshal(fields["tool_calls"], &calls) == nil {
		for i, c := range calls {
			d := c.delta()
			if c.Index == nil {
				d.index = i
			}
			out = append(out, d)
		}
	}
	var call functionCall
	if json.Unmarshal(fields["function_call"], &call) == nil && (call.Name != "" || len(call.Arguments) > 0) {
		out = append(out, toolCall{Function: call}.delta())
	}
	return out
}

// delta is a piece of the call.
func (t toolCall) delta() callDelta {
	d := callDelta{id: string(t.ID), name: string(t.Function.Name + t.Name)}
	if t.Index != nil {
		d.index = *t.Index
	}
	for _, raw := range []json.RawMessage{t.Function.Arguments, t.Arguments, t.Input} {
		if d.arguments == "" {
			d.arguments = argumentsOf(raw)
		}
	}
	return d
}

// argumentsOf are the arguments of a call: a string with a piece of JSON or, from some
// servers, the JSON itself.
func argumentsOf(raw json.RawMessage) string {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"':
		return unquote(raw)
	}
	return string(raw)
}
