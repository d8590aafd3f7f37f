package anthropic

import (
	"encoding/json"
	"fmt"

	"chat"
	"chat/daemon/model/answer"
	"chat/daemon/model/completion"
)

// event is one event of a stream, or a whole message.
type event struct {
	Type    string          `json:"type"`
	Index   int             `json:"index"`
	Message *message        `json:"message"`
	Block   *piece          `json:"content_block"`
	Delta   delta           `json:"delta"`
	Usage   *usage          `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

// message is the message of an answer, at its start or as a whole.
type message struct {
	Model   completion.Text `json:"model"`
	Content []piece         `json:"content"`
	Reason  completion.Text `json:"stop_reason"`
	Usage   *usage          `json:"usage"`
}

// piece is a block of an answer, of which only these fields are read.
type piece struct {
	Type      string          `json:"type"`
	Text      completion.Text `json:"text"`
	Thinking  completion.Text `json:"thinking"`
	Signature string          `json:"signature"`
	Data      string          `json:"data"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
}

// delta is a piece of a block, or of the message.
type delta struct {
	Type      string          `json:"type"`
	Text      completion.Text `json:"text"`
	Thinking  completion.Text `json:"thinking"`
	Signature string          `json:"signature"`
	Input     completion.Text `json:"partial_json"`
	Reason    completion.Text `json:"stop_reason"`
}

// usage counts tokens. Input does not include those of the cache. In a stream, a later usage
// replaces the numbers that it has.
type usage struct {
	Input      *float64 `json:"input_tokens"`
	CacheRead  *float64 `json:"cache_read_input_tokens"`
	CacheWrite *float64 `json:"cache_creation_input_tokens"`
	Output     *float64 `json:"output_tokens"`
	Details    *struct {
		Thinking completion.Count `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

// UnmarshalJSON reads a usage. A value of another form is none: it does not concern the answer.
func (u *usage) UnmarshalJSON(b []byte) error {
	type plain usage
	var p plain
	if json.Unmarshal(b, &p) != nil {
		p = plain{}
	}
	*u = usage(p)
	return nil
}

// merge replaces the numbers that later has.
func (u *usage) merge(later *usage) {
	for _, n := range []struct{ to, from **float64 }{
		{&u.Input, &later.Input}, {&u.CacheRead, &later.CacheRead}, {&u.CacheWrite, &later.CacheWrite}, {&u.Output, &later.Output},
	} {
		if *n.from != nil {
			*n.to = *n.from
		}
	}
	if later.Details != nil {
		u.Details = later.Details
	}
}

// tokens returns the usage in the terms of OpenAI: the prompt includes the cache.
func (u *usage) tokens() *completion.Usage {
	number := func(n *float64) float64 {
		if n == nil {
			return 0
		}
		return *n
	}
	input, read, written := number(u.Input), number(u.CacheRead), number(u.CacheWrite)
	if min(input, read, written) < 0 {
		return nil
	}
	c := completion.Counts{Prompt: input + read + written, Completion: number(u.Output), Cached: read, CacheWrite: written}
	if u.Details != nil {
		c.Reasoning = float64(u.Details.Thinking)
	}
	return &completion.Usage{Usage: c.Usage()}
}

// isMessage reports whether data is a whole message.
func isMessage(data []byte) bool {
	var e struct {
		Type    string            `json:"type"`
		Content []json.RawMessage `json:"content"`
	}
	return json.Unmarshal(data, &e) == nil && e.Type == "message" && e.Content != nil
}

// The types of blocks. Others, such as the calls of Anthropic's own tools, have no text.
const (
	typeText     = "text"
	typeThinking = "thinking"
	typeRedacted = "redacted_thinking"
	typeToolUse  = "tool_use"
)

// reader adds the events of one answer to it.
type reader struct {
	answer *answer.Answer
	// sign returns what is kept of a block of reasoning, so that it can be sent back.
	sign func(piece) *chat.ProviderData

	open    piece // the block that has not stopped
	index   int   // its index
	some    bool  // a piece of its input came
	usage   usage
	frame   completion.Frame
	ended   bool
	failure json.RawMessage
}

// eventError says that an event cannot be read.
type eventError struct{ error }

// read adds an event. grew says that it has text. Events and deltas of unknown types say
// nothing.
func (r *reader) read(raw []byte) (grew bool, err error) {
	var e event
	if err := json.Unmarshal(raw, &e); err != nil {
		return false, eventError{fmt.Errorf("an event: %w", err)}
	}
	if e.Usage != nil {
		r.usage.merge(e.Usage)
	}
	switch e.Type {
	case "message":
		return r.whole(raw)
	case "message_start":
		if e.Message != nil {
			return r.start(e.Message)
		}
	case "content_block_start":
		if e.Block != nil {
			return r.begin(e.Index, e.Block)
		}
	case "content_block_delta":
		if e.Index == r.index {
			return r.add(&e.Delta)
		}
	case "content_block_stop":
		if e.Index == r.index {
			return false, r.stop()
		}
	case "message_delta":
		if e.Delta.Reason != "" {
			return false, r.end(e.Delta.Reason)
		}
	case "message_stop": // compatible servers send usage after the stop reason, or no stop reason
		r.ended = true
		return r.put(completion.Frame{Usage: r.usage.tokens()})
	case "error":
		r.failure = append(json.RawMessage(nil), raw...)
	case "":
		if completion.Classify(raw) == completion.Failure {
			r.failure = append(json.RawMessage(nil), raw...)
		}
	}
	return false, nil
}

// whole adds a message that did not come in pieces.
func (r *reader) whole(raw []byte) (grew bool, err error) {
	var m message
	if err := json.Unmarshal(raw, &m); err != nil {
		return false, eventError{fmt.Errorf("a message: %w", err)}
	}
	if grew, err = r.start(&m); err != nil {
		return grew, err
	}
	for i := range m.Content {
		if _, err := r.begin(i, &m.Content[i]); err != nil {
			return true, err
		}
		if err := r.stop(); err != nil {
			return true, err
		}
	}
	r.ended = true
	return true, r.end(m.Reason)
}

// start reads the message as it is at its start.
func (r *reader) start(m *message) (bool, error) {
	if m.Usage != nil {
		r.usage.merge(m.Usage)
	}
	return r.put(completion.Frame{Model: m.Model})
}

// put adds a frame to the answer.
func (r *reader) put(f completion.Frame) (bool, error) {
	r.frame = f
	return r.answer.Add(&r.frame)
}

func (r *reader) delta(d completion.Delta) (bool, error) {
	return r.put(completion.Frame{Choices: []completion.Choice{{Delta: d}}})
}

func (r *reader) callPiece(c completion.CallDelta) (bool, error) {
	c.Index, c.ID = r.index, r.open.ID
	return r.delta(completion.Delta{Extras: completion.Extras{Calls: []completion.CallDelta{c}}})
}

// begin begins a block, which may have its text already.
func (r *reader) begin(index int, b *piece) (bool, error) {
	r.open, r.index, r.some = *b, index, false
	switch b.Type {
	case typeText:
		return r.delta(completion.Delta{Content: b.Text})
	case typeThinking:
		return r.delta(completion.Delta{ReasoningContent: b.Thinking})
	case typeToolUse:
		return r.callPiece(completion.CallDelta{Name: b.Name})
	}
	return false, nil
}

// add adds a piece of the open block.
func (r *reader) add(d *delta) (bool, error) {
	switch {
	case d.Type == "text_delta" && r.open.Type == typeText:
		return r.delta(completion.Delta{Content: d.Text})
	case d.Type == "thinking_delta" && r.open.Type == typeThinking:
		return r.delta(completion.Delta{ReasoningContent: d.Thinking})
	case d.Type == "signature_delta" && r.open.Type == typeThinking && len(r.open.Signature) <= chat.MaxProviderData: // a longer one is not kept
		r.open.Signature += d.Signature
	case d.Type == "input_json_delta" && r.open.Type == typeToolUse && d.Input != "":
		r.some = true
		return r.callPiece(completion.CallDelta{Arguments: string(d.Input)})
	}
	return false, nil
}

// stop ends the open block.
func (r *reader) stop() error {
	b := r.open
	r.open = piece{}
	switch {
	case b.Type == typeThinking && b.Signature != "", b.Type == typeRedacted:
		return r.answer.Sign(r.sign(b))
	case b.Type != typeToolUse:
		return nil
	}
	if !r.some { // the input came whole, or there is none
		input := string(b.Input)
		if input == "" || input == "null" {
			input = "{}"
		}
		r.open.ID = b.ID
		_, err := r.callPiece(completion.CallDelta{Arguments: input})
		if r.open.ID = ""; err != nil {
			return err
		}
	}
	r.answer.EndCall()
	return nil
}

// end adds the stop reason and the tokens. In a stream, both come once.
func (r *reader) end(reason completion.Text) error {
	_, err := r.put(completion.Frame{Usage: r.usage.tokens(), Choices: []completion.Choice{{Reason: reason}}})
	return err
}
