package chat_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"chat"
)

// someChunks is a sequence of chunks as a log may hold them, of every type and of some
// that this version does not know.
func someChunks(r *rand.Rand) []chat.Chunk {
	texts := []string{"", "a", "b c", "\n", "é", "{\"x\":", "1}", strings.Repeat("long ", 50)}
	types := []chat.ChunkType{
		chat.ChunkContent, chat.ChunkContent, chat.ChunkContent, chat.ChunkReasoning, chat.ChunkReasoning,
		chat.ChunkToolCall, chat.ChunkToolResult, chat.ChunkReset, chat.ChunkDone, chat.ChunkError, "later",
	}
	var out []chat.Chunk
	for range r.IntN(30) {
		c := chat.Chunk{Type: types[r.IntN(len(types))], Content: texts[r.IntN(len(texts))]}
		if r.IntN(20) > 0 && c.Type == chat.ChunkReset {
			continue // most sequences have none
		}
		switch c.Type {
		case chat.ChunkToolCall:
			c.CallID, c.Name = []string{"c1", "c2"}[r.IntN(2)], []string{"", "look"}[r.IntN(2)]
		case chat.ChunkToolResult:
			c.CallID, c.IsError = []string{"c1", "c2"}[r.IntN(2)], r.IntN(3) == 0
		case chat.ChunkReasoning:
			c.DurationMS = []int64{0, 0, 1200}[r.IntN(3)]
		default:
		}
		if r.IntN(8) == 0 {
			c.ProviderData = &chat.ProviderData{Provider: "p", Data: json.RawMessage(`{"signature":"s"}`)}
		}
		out = append(out, c)
	}
	return out
}

func fold(chunks []chat.Chunk) chat.Parts {
	var p chat.Parts
	for _, c := range chunks {
		p.Apply(c)
	}
	return p
}

// Whatever a log holds: folded, stored as JSON, read back, and made into chunks again,
// on the wire and back, it is the same answer.
func TestPartsSurviveEveryWay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		chunks := someChunks(r)
		want := fold(chunks)
		stored, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var read chat.Parts
		if err := json.Unmarshal(stored, &read); err != nil {
			t.Fatal(err)
		}
		if !read.Equal(want) {
			t.Fatalf("stored and read back:\n%+v\nwant\n%+v\nof %+v", read, want, chunks)
		}
		var again []chat.Chunk
		for i, c := range read.Chunks() {
			c.Index, c.Attempt = i, 1
			encoded, err := c.Encode()
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := encoded.Decode()
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, decoded)
		}
		if got := fold(again); !got.Equal(want) {
			t.Fatalf("as chunks again:\n%+v\nwant\n%+v\nof %+v", got, want, chunks)
		}
		if text := content(chunks); want.Text() != text {
			t.Fatalf("the text is %q, and a reader of the chunks has %q", want.Text(), text)
		}
	}
}

// content is what a client prints that knows of texts only.
func content(chunks []chat.Chunk) string {
	var b strings.Builder
	for _, c := range chunks {
		switch c.Type {
		case chat.ChunkContent:
			b.WriteString(c.Content)
		case chat.ChunkReset:
			b.Reset()
		default:
		}
	}
	return b.String()
}

// Chunks that are joined on the way are folded into the same answer.
func TestJoinedChunksAreTheSameAnswer(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	joins := 0
	for range 5_000 {
		chunks := someChunks(r)
		var joined []chat.Chunk
		for _, c := range chunks {
			if n := len(joined) - 1; n >= 0 && joined[n].CanJoin(&c) {
				joined[n].Content += c.Content
				joins++
			} else {
				joined = append(joined, c)
			}
		}
		if got, want := fold(joined), fold(chunks); !got.Equal(want) {
			t.Fatalf("%+v, want %+v of %+v", got, want, chunks)
		}
	}
	if joins == 0 {
		t.Error("nothing was joined")
	}
}

// A copy that was taken on the way does not change, whatever the original and other
// copies become.
func TestACopyOfPartsStays(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		var p chat.Parts
		chunks := someChunks(r)
		copies, wants := []chat.Parts{}, []chat.Parts{}
		for i, c := range chunks {
			p.Apply(c)
			if r.IntN(4) == 0 {
				copied := slices.Clone(p)
				if r.IntN(2) == 0 {
					copied.Apply(chat.Chunk{Type: chat.ChunkContent, Content: "of the copy"})
					wants = append(wants, fold(append(slices.Clone(chunks[:i+1]), chat.Chunk{Type: chat.ChunkContent, Content: "of the copy"})))
				} else {
					wants = append(wants, fold(chunks[:i+1]))
				}
				copies = append(copies, copied)
			}
		}
		if !p.Equal(fold(chunks)) {
			t.Fatalf("the original is %+v, want %+v", p, fold(chunks))
		}
		for i := range copies {
			if !copies[i].Equal(wants[i]) {
				t.Fatalf("a copy became %+v, want %+v", copies[i], wants[i])
			}
		}
	}
}

func TestPartsOfAnAnswer(t *testing.T) {
	signed := &chat.ProviderData{Provider: "p", Data: json.RawMessage(`1`)}
	for name, c := range map[string]struct {
		chunks []chat.Chunk
		want   chat.Parts
	}{
		"nothing":       {nil, nil},
		"a text":        {[]chat.Chunk{{Type: "content", Content: "a"}, {Type: "content", Content: "b"}}, chat.Parts{{Type: "text", Text: "ab"}}},
		"reasoning":     {[]chat.Chunk{{Type: "reasoning", Content: "a"}, {Type: "reasoning", DurationMS: 7}, {Type: "content", Content: "b"}}, chat.Parts{{Type: "reasoning", Text: "a", DurationMS: 7}, {Type: "text", Text: "b"}}},
		"in turn":       {[]chat.Chunk{{Type: "content", Content: "a"}, {Type: "reasoning", Content: "b"}, {Type: "content", Content: "c"}}, chat.Parts{{Type: "text", Text: "a"}, {Type: "reasoning", Text: "b"}, {Type: "text", Text: "c"}}},
		"a call":        {[]chat.Chunk{{Type: "tool_call", CallID: "1", Name: "f"}, {Type: "tool_call", CallID: "1", Content: "{"}, {Type: "tool_call", CallID: "1", Content: "}"}}, chat.Parts{{Type: "tool_call", CallID: "1", Name: "f", Text: "{}"}}},
		"two calls":     {[]chat.Chunk{{Type: "tool_call", CallID: "1", Name: "f"}, {Type: "tool_call", CallID: "2", Name: "f"}}, chat.Parts{{Type: "tool_call", CallID: "1", Name: "f"}, {Type: "tool_call", CallID: "2", Name: "f"}}},
		"a result":      {[]chat.Chunk{{Type: "tool_call", CallID: "1", Name: "f"}, {Type: "tool_result", CallID: "1", Content: "no", IsError: true}, {Type: "content", Content: "a"}}, chat.Parts{{Type: "tool_call", CallID: "1", Name: "f"}, {Type: "tool_result", CallID: "1", Text: "no", IsError: true}, {Type: "text", Text: "a"}}},
		"signed":        {[]chat.Chunk{{Type: "reasoning", Content: "a"}, {Type: "reasoning", ProviderData: signed}, {Type: "reasoning", Content: "b"}}, chat.Parts{{Type: "reasoning", Text: "a", ProviderData: signed}, {Type: "reasoning", Text: "b"}}},
		"a reset":       {[]chat.Chunk{{Type: "content", Content: "a"}, {Type: "reset"}, {Type: "content", Content: "b"}}, chat.Parts{{Type: "text", Text: "b"}}},
		"of later":      {[]chat.Chunk{{Type: "content", Content: "a"}, {Type: "hologram", Content: "x"}, {Type: "content", Content: "b"}}, chat.Parts{{Type: "text", Text: "ab"}}},
		"its end":       {[]chat.Chunk{{Type: "content", Content: "a"}, {Type: "done", Content: "x"}, {Type: "error", Content: "y"}}, chat.Parts{{Type: "text", Text: "a"}}},
		"empty chunks":  {[]chat.Chunk{{Type: "content"}, {Type: "reasoning"}}, nil},
		"data, no text": {[]chat.Chunk{{Type: "reasoning", ProviderData: signed}}, chat.Parts{{Type: "reasoning", ProviderData: signed}}},
	} {
		if got := fold(c.chunks); !got.Equal(c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestPartsAreValidated(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	good := []chat.Part{
		{Type: "tool_result", CallID: "1", IsError: true}, {Type: "text", Text: "a"}, {Type: "image", Digest: digest, MediaType: "image/png", Size: 7, Name: "a.png"}, {Type: "file", Digest: digest},
	}
	answers := []chat.Part{
		{Type: "reasoning", Text: "a", DurationMS: 7}, {Type: "tool_call", CallID: "1", Name: "f", Text: "{"},
	}
	if err := chat.Parts(good).Validate(chat.RoleUser); err != nil {
		t.Error(err)
	}
	if err := chat.Parts(append(slices.Clone(good), answers...)).Validate(chat.RoleAssistant); err != nil {
		t.Error(err)
	}
	for _, p := range answers {
		if err := (chat.Parts{p}).Validate(chat.RoleUser); !chat.IsCode(err, chat.CodeInvalid) {
			t.Errorf("a user's %+v: %v", p, err)
		}
	}
	for _, p := range []chat.Part{
		{},
		{Type: "hologram"},
		{Type: "text", Text: "\x00"},
		{Type: "text", Text: "\xff"},
		{Type: "text", CallID: "1"},
		{Type: "text", DurationMS: 1},
		{Type: "text", Digest: digest},
		{Type: "text", IsError: true},
		{Type: "image"},
		{Type: "image", Digest: "x"},
		{Type: "file", Digest: strings.ToUpper(digest)},
		{Type: "file", Digest: digest, Size: -1},
		{Type: "file", Digest: digest, Name: strings.Repeat("a", 256)},
		{Type: "tool_call", CallID: "1"},
		{Type: "tool_call", Name: "f"},
		{Type: "tool_result"},
		{Type: "reasoning", DurationMS: -1},
		{Type: "tool_result", CallID: strings.Repeat("a", 256)},
		{Type: "reasoning", ProviderData: &chat.ProviderData{Provider: "p", Data: json.RawMessage("{")}},
		{Type: "reasoning", ProviderData: &chat.ProviderData{Data: json.RawMessage("1")}},
	} {
		err := chat.Parts{{Type: "text", Text: "a"}, p}.Validate(chat.RoleAssistant)
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "part 2: ") {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if err := make(chat.Parts, chat.MaxParts+1).Validate(chat.RoleUser); !chat.IsCode(err, chat.CodeTooLarge) {
		t.Error(err)
	}
}

func TestPartsAreNormalized(t *testing.T) {
	got := chat.Parts{{Type: "text"}, {Type: "text", Text: "a\x00"}, {Type: "text", Text: "b\xff"}, {Type: "file", Name: "x\xff"}, {Type: "text", Text: "c"}}.Normalize()
	if want := (chat.Parts{{Type: "text", Text: "ab\uFFFD"}, {Type: "file", Name: "x\uFFFD"}, {Type: "text", Text: "c"}}); !got.Equal(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// BenchmarkApply folds an answer of ten thousand tokens.
func BenchmarkApply(b *testing.B) {
	for b.Loop() {
		var p chat.Parts
		for range 10_000 {
			p.Apply(chat.Chunk{Type: chat.ChunkContent, Content: "token "})
		}
	}
}
