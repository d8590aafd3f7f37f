package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Script is one scripted answer of an Anthropic server.
type Script struct {
	Blocks []Block // in order; a text, thinking or input comes in pieces of three characters
	Reason string  // end_turn if empty
	Usage  string  // of the last event; {"output_tokens":12} if empty
	// Extra are events that are sent after the first one, such as "event: x\ndata: {}".
	Extra []string
	// Whole sends JSON although a stream was asked for.
	Whole bool
	// Fault is sent as an event of the type error before event FaultAt, if it is not empty.
	Fault   string
	FaultAt int
	// HangAt waits, before event n, until the client leaves; 0 does not.
	HangAt int
	// Status and Message refuse the request. Header is sent with every response.
	Status  int
	Message string
	Header  map[string]string
}

// Thought returns a block of reasoning.
func Thought(text, signature string) Block {
	return Block{Type: "thinking", Thinking: &text, Signature: signature}
}

// firstUsage is that of the first event.
const firstUsage = `{"input_tokens":5,"cache_creation_input_tokens":20,"cache_read_input_tokens":100,"output_tokens":1}`

func (s Script) reason() string {
	if s.Reason == "" {
		return "end_turn"
	}
	return s.Reason
}

func (s Script) usage() string {
	if s.Usage == "" {
		return `{"output_tokens":12}`
	}
	return s.Usage
}

// pieces cuts a text.
func pieces(s string) []string {
	const size = 3
	runes := []rune(s)
	var out []string
	for len(runes) > size {
		out, runes = append(out, string(runes[:size])), runes[size:]
	}
	return append(out, string(runes))
}

// Events returns the events of the stream, without their empty lines.
func (s Script) Events(model string) []string {
	var out []string
	add := func(typ, format string, args ...any) {
		fields := fmt.Sprintf(format, args...)
		if fields != "" {
			fields = "," + fields
		}
		out = append(out, fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}", typ, typ, fields))
	}
	add("message_start", `"message":{"id":"msg_01","type":"message","role":"assistant","model":%q,"content":[],"stop_reason":null,"stop_sequence":null,"usage":%s}`, model, firstUsage)
	out = append(out, s.Extra...)
	for i, b := range s.Blocks {
		open, deltas := b.opened()
		add("content_block_start", `"index":%d,"content_block":%s`, i, encode(open))
		add("ping", "")
		for _, d := range deltas {
			add("content_block_delta", `"index":%d,"delta":%s`, i, d)
		}
		add("content_block_stop", `"index":%d`, i)
	}
	add("message_delta", `"delta":{"stop_reason":%q,"stop_sequence":null},"usage":%s`, s.reason(), s.usage())
	add("message_stop", "")
	return out
}

// opened returns the block as it begins, and the deltas that complete it.
func (b Block) opened() (open any, deltas []string) {
	delta := func(typ, field, text string) {
		for _, p := range pieces(text) {
			deltas = append(deltas, fmt.Sprintf(`{"type":%q,%q:%s}`, typ, field, encode(p)))
		}
	}
	switch b.Type {
	case "text":
		delta("text_delta", "text", b.Text)
		return map[string]any{"type": b.Type, "text": ""}, deltas
	case "thinking":
		if *b.Thinking != "" {
			delta("thinking_delta", "thinking", *b.Thinking)
		}
		deltas = append(deltas, fmt.Sprintf(`{"type":"signature_delta","signature":%s}`, encode(b.Signature)))
		return map[string]any{"type": b.Type, "thinking": "", "signature": ""}, deltas
	case "tool_use", "server_tool_use":
		if len(b.Input) > 0 {
			delta("input_json_delta", "partial_json", string(b.Input))
		}
		return map[string]any{"type": b.Type, "id": b.ID, "name": b.Name, "input": map[string]any{}}, deltas
	}
	return b, nil
}

func encode(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("modeltest: %v", err)) // of strings and maps
	}
	return string(raw)
}

// message returns the answer as a whole.
func (s Script) message(model string) string {
	blocks := s.Blocks
	if blocks == nil {
		blocks = []Block{}
	}
	for i := range blocks {
		if b := &blocks[i]; b.Type == "tool_use" && b.Input == nil {
			b.Input = json.RawMessage("{}")
		}
	}
	var usage, last map[string]any
	for text, into := range map[string]*map[string]any{firstUsage: &usage, s.usage(): &last} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			panic(fmt.Sprintf("modeltest: %v", err)) // of the test
		}
	}
	for name, n := range last {
		usage[name] = n
	}
	return encode(map[string]any{
		"id": "msg_01", "type": "message", "role": "assistant", "model": model, "content": blocks, "stop_reason": s.reason(), "stop_sequence": nil, "usage": usage,
	})
}

// Stream returns the whole stream.
func (s Script) Stream(model string) string {
	return strings.Join(s.Events(model), "\n\n") + "\n\n"
}

// send streams the answer.
func (s Script) send(w http.ResponseWriter, r *http.Request, model string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := func(text string) {
		_, _ = io.WriteString(w, text)            // the client left
		_ = http.NewResponseController(w).Flush() // as above
	}
	for i, e := range s.Events(model) {
		if s.Fault != "" && i == s.FaultAt {
			flush("event: error\ndata: " + s.Fault + "\n\n")
			return
		}
		if s.HangAt > 0 && i == s.HangAt {
			<-r.Context().Done()
			return
		}
		flush(e + "\n\n")
	}
}
