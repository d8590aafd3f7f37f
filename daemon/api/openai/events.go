package openai

import (
	"encoding/json"
	"math"
	"strconv"

	"chat"
	"chat/daemon/api/surface"
)

// attemptBase is the distance between the sequence numbers of attempts whose chunks before
// are lost; see eventEncoder.
const attemptBase = 1_000_000

// eventEncoder encodes a stream as the events of a response. It is a pure function of the
// task and of the chunks from the first one on, so that a sequence number means the same
// event on every instance and in every replay.
//
// A reset closes the item that was being made as incomplete. An event response.in_progress
// with an empty output follows, and the items of the new attempt have other ids.
// Sequence numbers and output_index go on: the official client accepts no index twice. Only
// if all chunks before the reset are lost, as after Redis and the worker failed together,
// they go on at attemptBase × (attempt - 1): so they never stand for two events. A reader who
// had some of these chunks gets the closed item before the jump, and the same events after it.
type eventEncoder struct {
	base   response
	hex    string // digits of the task's id
	lines  bool   // each event is a line of JSON, and not a server-sent event
	after  int    // events up to this sequence number are not sent
	number int    // of the next event

	items   int // of all attempts
	dropped int // closed items before the last reset
	open    *item
	output  []json.RawMessage // the closed items since the last reset
	types   chat.Parts        // the types of these items
}

// item is an item of the output that is being made.
type item struct {
	id, kind, callID, name string
	text                   []byte // escaped for JSON, without quotes
	sealed                 bool   // provider data have closed it
}

// The kinds of items, and the prefixes of their ids.
const (
	kindMessage   = "message"
	kindReasoning = "reasoning"
	kindCall      = "function_call"
	kindResult    = "function_call_output"

	kindCompaction = "compaction" // of input only
)

func idPrefix(kind string) string {
	switch kind {
	case kindReasoning:
		return "rs_"
	case kindCall:
		return "fc_"
	case kindResult:
		return "fco_"
	}
	return "msg_"
}

var _ surface.Encoder = (*eventEncoder)(nil)

// newEvents returns an encoder for a reader who has the events up to the sequence number
// after; -1 is none.
func newEvents(t chat.Task, after int) *eventEncoder {
	return &eventEncoder{base: newResponse(t), hex: digits(t.ID), after: after}
}

// everything is an after that skips all events.
const everything = math.MaxInt

// Open implements surface.Encoder.
func (e *eventEncoder) Open(dst []byte) []byte {
	begin := len(dst)
	dst = e.lifecycle(dst, "response.created")
	dst = e.lifecycle(dst, "response.in_progress")
	if len(dst) == begin { // the reader has both, and waits for the head of the response
		dst = e.Idle(dst)
	}
	return dst
}

// Idle implements surface.Encoder. Clients accept a comment; but older versions of the
// official one for Go take an empty line after it for an event without data.
func (e *eventEncoder) Idle(dst []byte) []byte {
	if e.lines {
		return dst
	}
	return append(dst, ": still here\n"...)
}

// Append implements surface.Encoder.
func (e *eventEncoder) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	if c.Index == 0 && c.Attempt > 1 { // it is a reset, and the chunks before it are lost
		dst = e.close(dst, statusIncomplete) // of those that this reader had, under their own numbers
		e.number = attemptBase * (c.Attempt - 1)
		e.items = e.number // their ids are not those of the lost ones either
	}
	if raw, ok := c.RawContent(); ok {
		kind := kindMessage
		if c.Type == chat.ChunkReasoning {
			kind = kindReasoning
		}
		return e.text(dst, kind, "", "", raw), nil
	}
	chunk, err := c.Decode()
	if err != nil {
		return dst, err
	}
	return e.decoded(dst, chunk)
}

func (e *eventEncoder) decoded(dst []byte, c chat.Chunk) ([]byte, error) {
	var kind string
	switch c.Type {
	case chat.ChunkContent:
		kind = kindMessage
	case chat.ChunkReasoning:
		kind = kindReasoning
	case chat.ChunkToolCall:
		kind = kindCall
	case chat.ChunkToolResult:
		kind = kindResult
	case chat.ChunkReset:
		return e.reset(dst), nil
	case chat.ChunkDone, chat.ChunkError:
		return e.end(dst, c)
	default:
		return dst, nil // of a newer version
	}
	if c.Content != "" || c.CallID != "" {
		dst = e.text(dst, kind, c.CallID, c.Name, escaped(c.Content))
	}
	if e.open != nil && c.ProviderData != nil {
		e.open.sealed = true
	}
	return dst, nil
}

// reset drops all items.
func (e *eventEncoder) reset(dst []byte) []byte {
	dst = e.close(dst, statusIncomplete)
	e.dropped += len(e.output)
	e.output, e.types = nil, nil
	return e.lifecycle(dst, "response.in_progress")
}

// escaped returns s for a JSON string, without quotes.
func escaped(s string) string {
	quoted, _ := json.Marshal(s) // strings can be encoded
	return string(quoted[1 : len(quoted)-1])
}

// text adds a piece of text to the item of its kind, after opening it if necessary.
func (e *eventEncoder) text(dst []byte, kind, callID, name, raw string) []byte {
	if it := e.open; it == nil || it.kind != kind || it.callID != callID || it.sealed {
		if raw == "" && callID == "" {
			return dst
		}
		dst = e.close(dst, statusCompleted)
		dst = e.begin(dst, kind, callID, name)
	}
	it := e.open
	it.text = append(it.text, raw...)
	if raw == "" {
		return dst
	}
	switch kind {
	case kindMessage:
		return e.emit(dst, "response.output_text.delta", e.at(it), `,"content_index":0,"delta":"`, raw, `","logprobs":[]`)
	case kindReasoning:
		return e.emit(dst, "response.reasoning_summary_text.delta", e.at(it), `,"summary_index":0,"delta":"`, raw, `"`)
	case kindCall:
		return e.emit(dst, "response.function_call_arguments.delta", e.at(it), `,"delta":"`, raw, `"`)
	}
	return dst
}

// begin opens an item.
func (e *eventEncoder) begin(dst []byte, kind, callID, name string) []byte {
	it := &item{id: idPrefix(kind) + e.hex + "_" + strconv.Itoa(e.items), kind: kind, callID: callID, name: name}
	e.items++
	e.open = it
	dst = e.emit(dst, "response.output_item.added", `,"output_index":`, e.index(), `,"item":`, it.json(statusInProgress, true))
	switch kind {
	case kindMessage:
		dst = e.emit(dst, "response.content_part.added", e.at(it), `,"content_index":0,"part":`, textPart(""))
	case kindReasoning:
		dst = e.emit(dst, "response.reasoning_summary_part.added", e.at(it), `,"summary_index":0,"part":`, summaryPart(""))
	}
	return dst
}

// close closes the open item, if there is one.
func (e *eventEncoder) close(dst []byte, status string) []byte {
	it := e.open
	if it == nil {
		return dst
	}
	e.open = nil
	text := string(it.text)
	switch it.kind {
	case kindMessage:
		dst = e.emit(dst, "response.output_text.done", e.at(it), `,"content_index":0,"text":"`, text, `","logprobs":[]`)
		dst = e.emit(dst, "response.content_part.done", e.at(it), `,"content_index":0,"part":`, textPart(text))
	case kindReasoning:
		dst = e.emit(dst, "response.reasoning_summary_text.done", e.at(it), `,"summary_index":0,"text":"`, text, `"`)
		dst = e.emit(dst, "response.reasoning_summary_part.done", e.at(it), `,"summary_index":0,"part":`, summaryPart(text))
	case kindCall:
		dst = e.emit(dst, "response.function_call_arguments.done", e.at(it), `,"name":`, quoted(it.name), `,"arguments":"`, text, `"`)
	}
	whole := it.json(status, false)
	dst = e.emit(dst, "response.output_item.done", `,"output_index":`, e.index(), `,"item":`, whole)
	e.output = append(e.output, json.RawMessage(whole))
	e.types = append(e.types, chat.Part{Type: partOf(it.kind)})
	return dst
}

// json returns the item; empty says that it has no content yet.
func (it *item) json(status string, empty bool) string {
	head := `{"id":"` + it.id + `","type":"` + it.kind + `"`
	text := string(it.text)
	switch it.kind {
	case kindReasoning:
		if empty {
			return head + `,"summary":[]}`
		}
		return head + `,"summary":[` + summaryPart(text) + `]}`
	case kindCall:
		return head + `,"status":"` + status + `","call_id":` + quoted(it.callID) + `,"name":` + quoted(it.name) + `,"arguments":"` + text + `"}`
	case kindResult:
		return head + `,"status":"` + status + `","call_id":` + quoted(it.callID) + `,"output":"` + text + `"}`
	}
	head += `,"status":"` + status + `","role":"assistant","content":[`
	if empty {
		return head + `]}`
	}
	return head + textPart(text) + `]}`
}

func textPart(raw string) string {
	return `{"type":"output_text","annotations":[],"logprobs":[],"text":"` + raw + `"}`
}

func summaryPart(raw string) string { return `{"type":"summary_text","text":"` + raw + `"}` }

func quoted(s string) string { return `"` + escaped(s) + `"` }

// at returns the fields that name an item.
func (e *eventEncoder) at(it *item) string {
	return `,"item_id":"` + it.id + `","output_index":` + e.index()
}

// index returns the output_index of the open item, or of the next one.
func (e *eventEncoder) index() string { return strconv.Itoa(e.dropped + len(e.output)) }

// lifecycle appends an event with the response, without output and outcome.
func (e *eventEncoder) lifecycle(dst []byte, typ string) []byte {
	data, _ := json.Marshal(e.base) // the fields come from JSON
	return e.emit(dst, typ, `,"response":`, string(data))
}

// end closes the last item and appends the final event.
func (e *eventEncoder) end(dst []byte, c chat.Chunk) ([]byte, error) {
	if e.open != nil { // its type decides on the outcome
		e.base.end(c, append(e.types, chat.Part{Type: partOf(e.open.kind)}))
	} else {
		e.base.end(c, e.types)
	}
	dst = e.close(dst, e.base.itemStatus())
	e.base.Output = e.output
	if e.output == nil {
		e.base.Output = []json.RawMessage{}
	}
	typ := "response.completed"
	switch e.base.Status {
	case statusFailed:
		typ = "response.failed"
	case statusIncomplete, statusCancelled: // the official clients know no event for the latter
		typ = "response.incomplete"
	}
	data, err := json.Marshal(e.base)
	if err != nil {
		return dst, err
	}
	dst = e.emit(dst, typ, `,"response":`, string(data))
	if e.lines {
		return dst, nil
	}
	return append(dst, "data: [DONE]\n\n"...), nil
}

func partOf(kind string) chat.PartType {
	switch kind {
	case kindReasoning:
		return chat.PartReasoning
	case kindCall:
		return chat.PartToolCall
	case kindResult:
		return chat.PartToolResult
	}
	return chat.PartText
}

// emit appends an event, unless the reader has it.
func (e *eventEncoder) emit(dst []byte, typ string, fields ...string) []byte {
	n := e.number
	e.number++
	if n <= e.after {
		return dst
	}
	if !e.lines {
		dst = append(dst, "event: "...)
		dst = append(dst, typ...)
		dst = append(dst, "\ndata: "...)
	}
	dst = append(dst, `{"type":"`...)
	dst = append(dst, typ...)
	dst = append(dst, `","sequence_number":`...)
	dst = strconv.AppendInt(dst, int64(n), 10)
	for _, f := range fields {
		dst = append(dst, f...)
	}
	if e.lines {
		return append(dst, "}\n"...)
	}
	return append(dst, "}\n\n"...)
}
