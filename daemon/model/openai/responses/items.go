package responses

import (
	"strings"

	"chat/daemon/model/completion"
)

// item is an item of the output.
type item struct {
	Type      string          `json:"type"`
	Content   []part          `json:"content"` // of a message, or of reasoning
	Summary   []part          `json:"summary"` // of reasoning
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments completion.Text `json:"arguments"`
}

type part struct {
	Text    completion.Text `json:"text"`
	Refusal completion.Text `json:"refusal"`
}

// The kinds of items that are read. Others, such as the calls of OpenAI's own tools, have
// no text.
const (
	kindMessage   = "message"
	kindReasoning = "reasoning"
	kindCall      = "function_call"
)

// between separates the parts of a summary.
const between = "\n\n"

// piece returns the text of an event.
func (r *Reader) piece(e *event) completion.Frame {
	var out []completion.Choice
	switch e.Type {
	case "response.output_text.delta", "response.refusal.delta":
		out = r.add(e.Index, kindMessage, completion.Delta{Content: e.Delta})
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		said := e.Delta
		if e.Summary > r.summary[e.Index] && r.received[e.Index] > 0 {
			said = between + said
		}
		if r.summary == nil {
			r.summary = map[int]int{}
		}
		r.summary[e.Index] = e.Summary
		out = r.add(e.Index, kindReasoning, completion.Delta{Reasoning: said})
	case "response.function_call_arguments.delta":
		out = r.add(e.Index, kindCall, callOf(completion.CallDelta{Index: e.Index, Arguments: string(e.Delta)}))
	case "response.output_item.added":
		if e.Item != nil && e.Item.Type == kindCall {
			out = r.announce(e.Index, e.Item)
		}
	case "response.output_item.done":
		if e.Item != nil && r.received[e.Index] == 0 { // it did not come in pieces
			out = r.whole(e.Index, e.Item)
		}
	}
	return completion.Frame{Choices: out}
}

// add counts a piece and returns it.
func (r *Reader) add(index int, kind string, d completion.Delta) []completion.Choice {
	n := len(d.Content) + len(d.Reasoning)
	for _, c := range d.Calls {
		n += len(c.Arguments)
	}
	if r.received == nil {
		r.received = map[int]int{}
	}
	r.received[index] += n
	if kind != kindReasoning {
		r.counted += n
	}
	r.some, r.kind = true, kind
	return []completion.Choice{{Delta: d}}
}

func callOf(c completion.CallDelta) completion.Delta {
	return completion.Delta{Extras: completion.Extras{Calls: []completion.CallDelta{c}}}
}

// announce returns the name of a call, once.
func (r *Reader) announce(index int, it *item) []completion.Choice {
	if r.called[index] {
		return nil
	}
	if r.called == nil {
		r.called = map[int]bool{}
	}
	r.called[index] = true
	return r.add(index, kindCall, callOf(completion.CallDelta{Index: index, ID: it.CallID, Name: it.Name}))
}

// whole returns an item that did not come in pieces.
func (r *Reader) whole(index int, it *item) []completion.Choice {
	switch it.Type {
	case kindMessage:
		return r.add(index, kindMessage, completion.Delta{Content: it.text()})
	case kindReasoning:
		if text := it.thoughts(); text != "" {
			return r.add(index, kindReasoning, completion.Delta{Reasoning: text})
		}
	case kindCall:
		out := r.announce(index, it)
		return append(out, r.add(index, kindCall, callOf(completion.CallDelta{Index: index, Arguments: string(it.Arguments)}))...)
	}
	return nil
}

// text is the text of a message.
func (it *item) text() completion.Text {
	var out completion.Text
	for _, p := range it.Content {
		out += p.Text + p.Refusal
	}
	return out
}

// thoughts is the text of reasoning, or its summary.
func (it *item) thoughts() completion.Text {
	parts := it.Summary
	if len(parts) == 0 {
		parts = it.Content
	}
	texts := make([]string, len(parts))
	for i, p := range parts {
		texts[i] = string(p.Text)
	}
	return completion.Text(strings.Join(texts, between))
}

// length is what Reader.counted is after all items.
func length(output []item) int {
	n := 0
	for i := range output {
		switch it := &output[i]; it.Type {
		case kindMessage:
			n += len(it.text())
		case kindCall:
			n += len(it.Arguments)
		}
	}
	return n
}
