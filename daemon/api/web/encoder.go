package web

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"chat"
	"chat/daemon/api/surface"
	"chat/daemon/api/web/render"
	"chat/daemon/follow"
)

// event is what a page has to change. Its id is the position of the last chunk in it.
type event struct {
	// Reset says that the answer begins again: drop all parts.
	Reset bool `json:"reset,omitempty"`
	// Parts are new parts, and parts whose fields have changed.
	Parts []part `json:"parts,omitempty"`
	// Blocks are new blocks, and those whose HTML has changed.
	Blocks []block     `json:"blocks,omitempty"`
	End    *chat.Chunk `json:"end,omitempty"`
}

// part is a part of an answer without its text.
type part struct {
	Part       int           `json:"part"`
	Type       chat.PartType `json:"type"`
	Name       string        `json:"name,omitempty"`
	CallID     string        `json:"call_id,omitempty"`
	DurationMS int64         `json:"duration_ms,omitempty"`
	IsError    bool          `json:"is_error,omitempty"`
}

// block is a piece of a part. More says that it continues the block before it.
type block struct {
	Part  int    `json:"part"`
	Block int    `json:"block"`
	HTML  string `json:"html"`
	More  bool   `json:"more,omitempty"`
}

// encoder encodes a stream from its beginning as events with HTML. It sends only what
// follows the position of its reader. Chunks are folded into blocks as they come, and blocks
// are rendered before a write, so that many chunks at a time are rendered once.
//
// What a page shows at a position depends on the position only: the blocks that have ended
// at that position, and the open one as it is there. A reader that resumes gets the blocks
// that have ended since, and the open one.
type encoder struct {
	after    chat.Position // what the reader has seen
	behind   bool          // the stream has not reached it yet
	position chat.Position // of the last chunk

	parts    chat.Parts // the open part, without its text
	heads    []part     // all parts
	changed  map[int]bool
	splitter *render.Splitter
	blocks   int // of the open part that have ended
	ended    []endedBlock
	dirty    bool // the open block has changed
	reset    bool
	end      *chat.Chunk
}

type endedBlock struct {
	part, block int
	render.Block
}

var (
	_ surface.Encoder = (*encoder)(nil)
	_ surface.Flusher = (*encoder)(nil)
)

func newEncoder(after chat.Position) *encoder {
	return &encoder{after: after, behind: !after.IsStart(), changed: map[int]bool{}}
}

// positionOf reads the position of a reader. One that no stream has sent is answered by a
// reset.
func positionOf(s string) chat.Position {
	p, err := chat.ParsePosition(s)
	if err != nil {
		return follow.InvalidPosition()
	}
	return p
}

// Open implements surface.Encoder.
func (*encoder) Open(dst []byte) []byte {
	const shortest, spread = 1000, 2000 // ms
	dst = append(dst, ": chat\nretry: "...)
	return append(strconv.AppendInt(dst, int64(shortest+rand.N(spread)), 10), '\n')
}

// Idle implements surface.Encoder.
func (*encoder) Idle(dst []byte) []byte { return append(dst, ": still here\n"...) }

// Append implements surface.Encoder. The events are appended by Flush.
func (e *encoder) Append(dst []byte, c chat.EncodedChunk) ([]byte, error) {
	chunk, err := c.Decode()
	if err != nil {
		return dst, err
	}
	at := c.Position()
	if e.behind && e.passed(at) {
		e.startOver()
	}
	e.fold(chunk)
	e.position = at
	if e.behind && e.reached(at) {
		e.behind, e.ended, e.dirty, e.reset, e.end = false, nil, false, false, nil
		clear(e.changed)
	}
	return dst, nil
}

// reached reports whether at is the position of the reader.
func (e *encoder) reached(at chat.Position) bool {
	return at.Index == e.after.Index && (at.Attempt == e.after.Attempt || e.after.Attempt == chat.AnyAttempt)
}

// passed reports whether at comes after the position of the reader.
func (e *encoder) passed(at chat.Position) bool {
	if e.after.Attempt == chat.AnyAttempt {
		return at.Index > e.after.Index
	}
	return e.after.Less(at)
}

// startOver makes the reader drop what it has: its position is not one of this stream.
func (e *encoder) startOver() {
	e.behind, e.reset = false, true
}

// fold applies a chunk.
func (e *encoder) fold(c chat.Chunk) {
	if c.Type == chat.ChunkReset {
		e.parts, e.heads, e.splitter, e.blocks, e.ended, e.dirty, e.reset = nil, nil, nil, 0, nil, false, true
		clear(e.changed)
		return
	}
	if c.Terminal() {
		e.endPart()
		e.end = &c
		return
	}
	before := len(e.parts)
	e.parts.Apply(c)
	if len(e.parts) == 0 {
		return
	}
	last := &e.parts[len(e.parts)-1]
	if len(e.parts) > before {
		e.endPart()
		e.beginPart(last)
	}
	e.describe(last)
	if last.Text != "" {
		e.splitter.Append(last.Text, e.endBlock)
		e.dirty = true
	}
	// The text is in the splitter. What is left says whether the next chunk continues the part.
	open := *last
	open.Text = ""
	e.parts = append(e.parts[:0], open)
}

// beginPart begins a part after the last one.
func (e *encoder) beginPart(p *chat.Part) {
	e.heads = append(e.heads, part{Part: len(e.heads), Type: p.Type, CallID: p.CallID})
	e.changed[len(e.heads)-1] = true
	e.splitter, e.blocks = splitterOf(p.Type), 0
}

// splitterOf returns the splitter of the text of a part.
func splitterOf(t chat.PartType) *render.Splitter {
	switch t {
	case chat.PartToolCall:
		return render.NewCode("json")
	case chat.PartToolResult:
		return render.NewCode("")
	case chat.PartText, chat.PartReasoning, chat.PartImage, chat.PartFile:
	}
	return &render.Splitter{}
}

// describe takes over the fields of the open part.
func (e *encoder) describe(p *chat.Part) {
	head := &e.heads[len(e.heads)-1]
	now := *head
	now.Name, now.DurationMS, now.IsError = p.Name, p.DurationMS, p.IsError
	if now != *head {
		*head = now
		e.changed[head.Part] = true
	}
}

func (e *encoder) endPart() {
	if e.splitter != nil {
		e.splitter.Finish(e.endBlock)
	}
	e.splitter, e.dirty = nil, false
}

func (e *encoder) endBlock(b render.Block) {
	e.ended = append(e.ended, endedBlock{len(e.heads) - 1, e.blocks, b})
	e.blocks++
}

// Flush implements surface.Flusher: it renders what has changed.
func (e *encoder) Flush(dst []byte) []byte {
	if e.behind {
		if e.end == nil {
			return dst
		}
		e.startOver()
	}
	out := event{Reset: e.reset, End: e.end}
	for _, i := range slices.Sorted(maps.Keys(e.changed)) {
		out.Parts = append(out.Parts, e.heads[i])
	}
	for _, b := range e.ended {
		out.Blocks = append(out.Blocks, block{b.part, b.block, b.HTML(), b.More})
	}
	if e.dirty && e.splitter != nil {
		if b, ok := e.splitter.Open(); ok {
			out.Blocks = append(out.Blocks, block{len(e.heads) - 1, e.blocks, b.HTML(), b.More})
		}
	}
	e.reset, e.end, e.ended, e.dirty = false, nil, nil, false
	clear(e.changed)
	if !out.Reset && out.End == nil && out.Parts == nil && out.Blocks == nil {
		return dst
	}
	return appendEvent(dst, out, e.position)
}

// appendEvent appends an event with its position. The data come before the id, so that a
// reader has them when it stores the id.
func appendEvent(dst []byte, out event, at chat.Position) []byte {
	buf := bytes.NewBuffer(append(dst, "data: "...))
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false) // it would double the size
	_ = enc.Encode(out)      // strings and numbers can be encoded
	return append(at.Append(append(buf.Bytes(), "id: "...)), "\n\n"...)
}
