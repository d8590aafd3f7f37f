package web

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"chat"
	"chat/daemon/api/web/render"
)

// page is what a browser shows: it applies events as the script does.
type page struct {
	t     *testing.T
	id    string
	parts []shownPart
	end   *chat.Chunk
	// sent counts how often each block was sent.
	sent map[string]int
}

type shownPart struct {
	part
	blocks []string
}

func (p *page) String() string {
	var b strings.Builder
	for _, part := range p.parts {
		fmt.Fprintf(&b, "%+v\n%s\n", part.part, strings.Join(part.blocks, "\n"))
	}
	return b.String()
}

func (p *page) read(stream []byte) {
	p.t.Helper()
	for frame := range strings.SplitSeq(string(stream), "\n\n") {
		for line := range strings.SplitSeq(frame, "\n") {
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				p.id = id
			}
			if data, ok := strings.CutPrefix(line, "data: "); ok {
				p.apply(data)
			}
		}
	}
}

func (p *page) apply(data string) {
	p.t.Helper()
	var e event
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		p.t.Fatal(err)
	}
	if p.end != nil {
		p.t.Fatal("an event after the end")
	}
	if e.Reset {
		p.parts, p.sent = nil, nil
	}
	for _, head := range e.Parts {
		if head.Part == len(p.parts) {
			p.parts = append(p.parts, shownPart{})
		}
		p.parts[head.Part].part = head
	}
	for _, b := range e.Blocks {
		shown := &p.parts[b.Part]
		if b.Block == len(shown.blocks) {
			shown.blocks = append(shown.blocks, "")
		}
		shown.blocks[b.Block] = fmt.Sprint(b.More, b.HTML)
		if p.sent == nil {
			p.sent = map[string]int{}
		}
		p.sent[fmt.Sprint(b.Part, "-", b.Block)]++
	}
	p.end = e.End
}

// text is an answer with all that blocks can be.
const text = "# Title\nHello **world**, `code`\n\n1. one\n2. two\n\n   more\n\n```go\nfunc f() {\n\n\treturn \"x\"\n}\n```\nAfter\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> quote\n\n- [ ] do\n\nEnd <script>"

// answers returns the chunks of answers with each type of chunk.
func answers(t *testing.T, seed uint64) []chat.EncodedChunk {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	var list []chat.Chunk
	pieces := func(typ chat.ChunkType, text, call string) {
		for text != "" {
			n := min(len(text), 1+r.IntN(19))
			list = append(list, chat.Chunk{Type: typ, Content: text[:n], CallID: call, Attempt: 1})
			text = text[n:]
		}
	}
	add := func(c chat.Chunk) {
		c.Attempt = 1
		list = append(list, c)
	}
	pieces(chat.ChunkReasoning, "I *think*\n\n* a\n* b", "")
	if seed%2 == 1 {
		add(chat.Chunk{Type: chat.ChunkReset})
		pieces(chat.ChunkReasoning, "Again", "")
	}
	add(chat.Chunk{Type: chat.ChunkReasoning, DurationMS: 1200})
	pieces(chat.ChunkContent, text, "")
	add(chat.Chunk{Type: chat.ChunkToolCall, CallID: "c1", Name: "search"})
	pieces(chat.ChunkToolCall, `{"query":"<b>"}`, "c1")
	pieces(chat.ChunkToolResult, "found\nit", "c1")
	add(chat.Chunk{Type: chat.ChunkToolResult, CallID: "c1", IsError: true})
	add(chat.Chunk{Type: "of_a_newer_version", Content: "x"})
	pieces(chat.ChunkContent, text+strings.Repeat("\n\n"+strings.Repeat("long paragraph ", 20), 2)+"\n```py\n"+strings.Repeat("x = 1\n", 45), "")
	add(chat.Chunk{Type: chat.ChunkDone, MessageID: "m", State: chat.TaskDone, FinishReason: "stop"})
	encoded := make([]chat.EncodedChunk, len(list))
	for i := range list {
		list[i].Index = i
		var err error
		if encoded[i], err = list[i].Encode(); err != nil {
			t.Fatal(err)
		}
	}
	return encoded
}

// stream encodes chunks for a reader, and flushes after random numbers of them.
func stream(t *testing.T, p *page, chunks []chat.EncodedChunk, r *rand.Rand) {
	t.Helper()
	e := newEncoder(positionOf(p.id))
	out := e.Open(nil)
	for len(chunks) > 0 {
		n := min(len(chunks), 1+r.IntN(4))
		for _, c := range chunks[:n] {
			var err error
			if out, err = e.Append(out, c); err != nil {
				t.Fatal(err)
			}
		}
		out = e.Flush(out)
		chunks = chunks[n:]
	}
	p.read(e.Idle(out))
}

// However a stream is cut, a page that resumes shows the same at the end, and it is what a
// page shows that loads the message.
func TestEveryPositionResumes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		chunks := answers(t, seed)
		r := rand.New(rand.NewPCG(seed, 2))
		whole := &page{t: t}
		stream(t, whole, chunks, r)
		if whole.end == nil || whole.end.MessageID != "m" || len(whole.parts) != 5 {
			t.Fatalf("the whole stream is %s with the end %v", whole, whole.end)
		}
		if got := loaded(t, chunks); got != whole.String() {
			t.Fatalf("the message is\n%s\nthe stream\n%s", got, whole)
		}
		for cut := range chunks {
			p := &page{t: t}
			stream(t, p, chunks[:cut], r)
			stream(t, p, chunks, r)
			if p.String() != whole.String() || p.end == nil {
				t.Fatalf("resumed after %d chunks at %q:\n%s\nwant\n%s", cut, p.id, p, whole)
			}
		}
	}
}

// loaded renders the message that the chunks make.
func loaded(t *testing.T, chunks []chat.EncodedChunk) string {
	t.Helper()
	var m chat.Message
	m.Role, m.State = chat.RoleAssistant, chat.TaskDone
	for _, c := range chunks {
		chunk, err := c.Decode()
		if err != nil {
			t.Fatal(err)
		}
		m.Parts.Apply(chunk)
	}
	p := &page{t: t}
	for _, part := range viewOf(&m, nil).Parts {
		shown := shownPart{part: part.part}
		for _, b := range part.Blocks {
			shown.blocks = append(shown.blocks, fmt.Sprint(b.More, b.HTML))
		}
		p.parts = append(p.parts, shown)
	}
	return p.String()
}

// A reader whose position is not one of the stream starts over.
func TestOtherPositionsReset(t *testing.T) {
	t.Parallel()
	chunks := answers(t, 0)
	r := rand.New(rand.NewPCG(1, 1))
	whole := &page{t: t}
	stream(t, whole, chunks, r)
	for _, id := range []string{"0-0", "0-5", "1-100000", "2-1", "x", "1-", "100000"} {
		p := &page{t: t, id: id, parts: []shownPart{{blocks: []string{"old"}}, {}, {}, {}, {}, {}}}
		stream(t, p, chunks, r)
		if p.String() != whole.String() {
			t.Errorf("after %q the page shows\n%s", id, p)
		}
	}
	p := &page{t: t}
	stream(t, p, chunks[:20], r)
	p.id = "19" // an index without its attempt
	stream(t, p, chunks, r)
	if p.String() != whole.String() {
		t.Errorf("after a plain index the page shows\n%s", p)
	}
}

// A block that has ended is not sent again, and a chunk costs no more at the end of a long
// answer than at its beginning.
func TestFinishedBlocksAreNotSentAgain(t *testing.T) {
	t.Parallel()
	e := newEncoder(chat.Start())
	p := &page{t: t}
	var sizes []int
	for i := range 3000 {
		c, err := chat.Chunk{Type: chat.ChunkContent, Content: "some words that fill a line of text\n" + strings.Repeat("\n", i%2), Index: i, Attempt: 1}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out, err := e.Append(nil, c)
		if err != nil {
			t.Fatal(err)
		}
		out = e.Flush(out)
		sizes = append(sizes, len(out))
		p.read(out)
	}
	for id, n := range p.sent {
		if n > 4 {
			t.Errorf("block %s was sent %d times", id, n)
		}
	}
	for i, n := range sizes {
		if n > 1000 {
			t.Fatalf("chunk %d makes an event of %d bytes", i, n)
		}
	}
	if n := len(p.parts[0].blocks); n != 1500 {
		t.Errorf("%d blocks", n)
	}
}

// Many chunks at a time are rendered once.
func TestChunksAreFlushedTogether(t *testing.T) {
	t.Parallel()
	chunks := answers(t, 2)
	e := newEncoder(chat.Start())
	var out []byte
	for _, c := range chunks {
		var err error
		if out, err = e.Append(out, c); err != nil {
			t.Fatal(err)
		}
	}
	out = e.Flush(out)
	if n := strings.Count(string(out), "data: "); n != 1 || len(e.Flush(nil)) != 0 {
		t.Errorf("%d events", n)
	}
	p := &page{t: t}
	p.read(out)
	for id, n := range p.sent {
		if n != 1 {
			t.Errorf("block %s was sent %d times", id, n)
		}
	}
	if want := len(render.Blocks(text)); len(p.parts[1].blocks) != want {
		t.Errorf("%d blocks, want %d", len(p.parts[1].blocks), want)
	}
}

func BenchmarkEncoder(b *testing.B) {
	e := newEncoder(chat.Start())
	var buf []byte
	var sent int
	for i := range b.N {
		word := "words "
		switch {
		case i%400 == 0:
			word = "\n\n```go\n"
		case i%400 == 100:
			word = "\n```\n\n"
		case i%20 == 0:
			word = "\n\n"
		}
		c, err := chat.Chunk{Type: chat.ChunkContent, Content: word, Index: i, Attempt: 1}.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if buf, err = e.Append(buf[:0], c); err != nil {
			b.Fatal(err)
		}
		buf = e.Flush(buf)
		sent += len(buf)
	}
	b.ReportMetric(float64(sent)/float64(b.N), "sent-B/op")
}
