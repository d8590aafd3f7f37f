package answer

import (
	"fmt"

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
	open    int // the index in ids of the call whose pieces pass through
	ids     []string
	indexes map[int]int // in ids, by index
	held    map[int][]chat.Chunk
	started bool
}

// add adds a piece.
func (t *toolCalls) add(d completion.CallDelta) error {
	at, known := t.indexes[d.Index]
	if known && d.ID != "" && d.ID != t.ids[at] { // the server gives every call the same index
		known = false
	}
	c := chat.Chunk{Type: chat.ChunkToolCall, Content: chat.NormalizeText(d.Arguments)}
	if !known {
		if len(t.ids) == maxCalls {
			return nil
		}
		at = len(t.ids)
		id := model.OneLine(d.ID, chat.MaxCallID)
		if id == "" {
			id = fmt.Sprintf("call_%d", at+1)
		}
		if t.indexes == nil {
			t.indexes, t.held = map[int]int{}, map[int][]chat.Chunk{}
		}
		t.indexes[d.Index] = at
		t.ids = append(t.ids, id)
		c.Name = model.OneLine(d.Name, chat.MaxPartName)
		if c.Name == "" {
			c.Name = completion.UnnamedTool
		}
	}
	if c.CallID = t.ids[at]; c.Content == "" && c.Name == "" {
		return nil
	}
	if !t.started {
		t.started, t.open = true, at
	}
	if at != t.open {
		t.held[at] = append(t.held[at], c)
		return nil
	}
	return t.send(c)
}

// end emits what was held back, call by call.
func (t *toolCalls) end() error {
	for at := range t.ids {
		for _, c := range t.held[at] {
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
