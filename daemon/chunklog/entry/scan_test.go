package entry

import (
	"encoding/json"
	"testing"

	"chat"
)

func FuzzEntry(f *testing.F) {
	for _, text := range []string{"", "Hel", "a\"b\\c\n\t\x00<&>", "日本語 \U0001f600", "\u2028", "\xff"} {
		c, err := chat.Chunk{Index: 17, Attempt: 2, Type: chat.ChunkContent, Content: text}.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(c.JSON)
	}
	for _, raw := range []string{
		"", "{}", `{"chunk_index":0,"chunk_type":"reasoning","content":"","attempt":1}`,
		`{"chunk_index":0,"chunk_type":"content","content":"\u00zz","attempt":1}`, `{"chunk_index":0,"chunk_type":"content","content":"\x","attempt":1}`,
		`{"chunk_index":0,"chunk_type":"content","content":"a` + "\n" + `","attempt":1}`, `{"chunk_index":01,"chunk_type":"content","content":"a","attempt":1}`,
		`{"chunk_index":0,"chunk_type":"content","content":"` + "\xff" + `","attempt":1}`, `{"chunk_index":0,"chunk_type":"content","content":"a","attempt":0}`,
		`{"chunk_index":1,"chunk_type":"done","content":"","attempt":1,"state":"done"}`, `{"chunk_index":0,"chunk_type":"content","content":"a\`,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, ok := scanEntry(raw)
		if !ok {
			return
		}
		var want chat.Chunk
		if err := json.Unmarshal([]byte(raw), &want); err != nil {
			t.Fatalf("%q is not JSON: %v", raw, err)
		}
		if got.Position() != want.Position() || got.Type != want.Type || got.JSON != raw {
			t.Fatalf("%q is %+v, want %+v", raw, got, want)
		}
	})
}

func TestEntriesOfWritersAreScanned(t *testing.T) {
	for _, text := range []string{"", "Hel", "a\"b\\c\n\t\x00<&>", "日本語 \U0001f600", "\u2028"} {
		c, err := chat.Chunk{Index: 17, Attempt: 2, Type: chat.ChunkReasoning, Content: text}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := scanEntry(c.JSON); !ok || got != c {
			t.Errorf("%s: %+v, %t", c.JSON, got, ok)
		}
	}
}

func BenchmarkEntry(b *testing.B) {
	c, err := chat.Chunk{Index: 1234, Attempt: 1, Type: chat.ChunkContent, Content: " scheduler"}.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			if _, ok := scanEntry(c.JSON); !ok {
				b.Fatal("not scanned")
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, err := c.Decode(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
