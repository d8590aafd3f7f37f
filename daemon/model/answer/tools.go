package answer

import (
	"encoding/json"
	"fmt"
	"slices"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/completion"
)

// maxCalls bounds the tool calls of one answer.
const maxCalls = 128

// toolCalls assembles the tool calls of an answer. A part of an answer is not interrupted
// by another one, so the pieces of the first call pass through, and pieces of other calls
// are held back to the end.
type toolCalls struct {
	emit    func(model.Event) error
	list    []toolCall
	open    int         // the one whose pieces pass through
	indexes map[int]int // in list, by the server's index
	started bool
}

type toolCall struct {
	id        string // that of the parts
	serverID  string // "" if the server gave none
	name      string
	arguments []byte
	held      []chat.Chunk
}

// maxChecked bounds the arguments of a call that may be complete, in bytes: they are read
// again for each piece that repeats the name.
const maxChecked = 16 << 10

// complete reports whether the arguments are a JSON value.
func (c *toolCall) complete() bool {
	return len(c.arguments) > 0 && len(c.arguments) <= maxChecked && json.Valid(c.arguments)
}

// add adds a piece.
func (t *toolCalls) add(d completion.CallDelta) error {
	at := t.find(d)
	c := chat.Chunk{Type: chat.ChunkToolCall, Content: chat.NormalizeText(d.Arguments)}
	if at < 0 {
		if len(t.list) == maxCalls {
			return nil
		}
		at = t.begin(d)
		c.Name = t.list[at].name
	}
	if d.Index != completion.NoIndex {
		if t.indexes == nil {
			t.indexes = map[int]int{}
		}
		t.indexes[d.Index] = at
	}
	call := &t.list[at]
	if len(call.arguments) <= maxChecked {
		call.arguments = append(call.arguments, d.Arguments...)
	}
	if c.CallID = call.id; c.Content == "" && c.Name == "" {
		return nil
	}
	if !t.started {
		t.started, t.open = true, at
	}
	if at != t.open {
		call.held = append(call.held, c)
		return nil
	}
	return t.send(c)
}

// find returns the call that a piece continues, -1 if it begins one. Servers are careless
// with both numbers and ids: some give every call the same index or the same id, some give
// neither after the first piece, and some give every piece another id. A piece with a name
// begins a call if it cannot belong to the one before.
func (t *toolCalls) find(d completion.CallDelta) int {
	if d.ID != "" {
		for at := range t.list {
			if t.list[at].serverID == d.ID && !t.isAnother(d, at) {
				return at
			}
		}
	}
	at, known := t.indexes[d.Index]
	switch {
	case d.Index == completion.NoIndex:
		at = len(t.list) - 1
	case !known:
		return -1
	}
	switch {
	case at < 0:
		return -1
	case d.Name == "":
		return at
	case d.ID != "" && t.list[at].serverID != d.ID, t.isAnother(d, at):
		return -1
	}
	return at
}

// isAnother reports whether a piece with a name begins another call than the one at the
// position, which has the same id, the same index, or is the one before.
func (t *toolCalls) isAnother(d completion.CallDelta, at int) bool {
	call := &t.list[at]
	return d.Name != "" && (call.complete() || d.Index == completion.NoIndex && d.ID == "" && call.name != d.Name)
}

// begin adds a call and returns its position.
func (t *toolCalls) begin(d completion.CallDelta) int {
	c := toolCall{id: model.OneLine(d.ID, chat.MaxCallID), serverID: d.ID, name: model.OneLine(d.Name, chat.MaxPartName)}
	for n := len(t.list) + 1; c.id == "" || t.has(c.id); n++ { // each call has an id of its own
		c.id = fmt.Sprintf("call_%d", n)
	}
	if c.name == "" {
		c.name = completion.UnnamedTool
	}
	t.list = append(t.list, c)
	return len(t.list) - 1
}

// has reports whether a call has the id.
func (t *toolCalls) has(id string) bool {
	return slices.ContainsFunc(t.list, func(c toolCall) bool { return c.id == id })
}

// end emits what was held back, call by call.
func (t *toolCalls) end() error {
	for at := range t.list {
		for _, c := range t.list[at].held {
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
