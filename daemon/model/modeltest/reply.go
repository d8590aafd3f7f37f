package modeltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Reply is the script of one answer of the Responses API.
type Reply struct {
	Reasoning []string // the pieces of the summary
	Content   []string // the pieces of the text
	// Voided are pieces of text before, which the server takes back, as chatd does when its
	// worker dies.
	Voided []string
	// Call is the arguments of a call of the tool "look", in pieces.
	Call []string
	// Status is completed unless it is set. Error is that of the status failed, and Reason that
	// of incomplete.
	Status, Error, Reason string
	// Omitted leaves out this many events before the last one, so that only the whole response
	// has their text.
	Omitted int
	// Unnumbered leaves out the sequence numbers.
	Unnumbered bool
}

// Text is the text of the answer.
func (r Reply) Text() string { return strings.Join(r.Content, "") }

// writer makes the events of a reply.
type writer struct {
	id     string
	events []map[string]any
	output []any
}

func (w *writer) add(typ string, fields map[string]any) {
	fields["type"] = typ
	w.events = append(w.events, fields)
}

func (w *writer) lifecycle(typ, status string, more map[string]any) {
	response := map[string]any{"id": w.id, "object": "response", "status": status, "model": "scripted", "output": []any{}}
	for name, value := range more {
		response[name] = value
	}
	w.add(typ, map[string]any{"response": response})
}

// item writes an item that comes in pieces. done is the whole one.
func (w *writer) item(kind, delta string, pieces []string, begun, done map[string]any) {
	if len(pieces) == 0 {
		return
	}
	n := len(w.output)
	begun["type"], done["type"] = kind, kind
	w.add("response.output_item.added", map[string]any{"output_index": n, "item": begun})
	for _, p := range pieces {
		w.add(delta, map[string]any{"output_index": n, "delta": p})
	}
	w.add("response.output_item.done", map[string]any{"output_index": n, "item": done})
	w.output = append(w.output, done)
}

func (w *writer) message(pieces []string) {
	w.item("message", "response.output_text.delta", pieces, map[string]any{"role": "assistant", "content": []any{}},
		map[string]any{"role": "assistant", "content": []any{map[string]any{"type": "output_text", "text": strings.Join(pieces, "")}}})
}

// events returns the events of the response with the id.
func (r Reply) events(id string) []string {
	w := &writer{id: id}
	w.lifecycle("response.created", "queued", nil)
	w.lifecycle("response.in_progress", "in_progress", nil)
	if len(r.Voided) > 0 {
		w.message(r.Voided)
		w.output = nil
		w.lifecycle("response.in_progress", "in_progress", nil)
	}
	summary := []any{map[string]any{"type": "summary_text", "text": strings.Join(r.Reasoning, "")}}
	w.item("reasoning", "response.reasoning_summary_text.delta", r.Reasoning, map[string]any{"summary": []any{}}, map[string]any{"summary": summary})
	w.message(r.Content)
	w.item("function_call", "response.function_call_arguments.delta", r.Call,
		map[string]any{"call_id": "call_1", "name": "look", "arguments": ""},
		map[string]any{"call_id": "call_1", "name": "look", "arguments": strings.Join(r.Call, "")})
	status := r.Status
	if status == "" {
		status = "completed"
	}
	last := map[string]any{
		"output": w.output, "error": json.RawMessage("null"), "incomplete_details": map[string]string{"reason": r.Reason},
		"usage": map[string]any{
			"input_tokens": 7, "output_tokens": len(r.Content), "total_tokens": 7 + len(r.Content),
			"input_tokens_details": map[string]int{"cached_tokens": 4, "cache_write_tokens": 2}, "output_tokens_details": map[string]int{"reasoning_tokens": 1},
		},
	}
	if r.Error != "" {
		last["error"] = map[string]string{"code": r.Error, "message": "as scripted"}
	}
	name := map[string]string{"completed": "completed", "failed": "failed"}[status]
	if name == "" {
		name = "incomplete"
	}
	w.events = w.events[:len(w.events)-r.Omitted]
	w.lifecycle("response."+name, status, last)
	out := make([]string, len(w.events))
	for i, e := range w.events {
		if !r.Unnumbered {
			e["sequence_number"] = i
		}
		data, err := json.Marshal(e)
		if err != nil {
			panic(fmt.Sprintf("modeltest: %v", err)) // of maps and strings
		}
		out[i] = string(data)
	}
	return out
}

// Events is the number of events of the reply.
func (r Reply) Events() int { return len(r.events("")) }
