package chat

import (
	"encoding/json"
	"testing"
)

func FuzzEncode(f *testing.F) {
	for _, text := range []string{"", " token", "\"\\/<>&'\n\r\t\b\f\x00\x1f\x7f", "日本語\U0001f600", "\u2028\u2029\u202a", "\xff\xe2\x80", "\xed\xa0\x80", "a\xc3"} {
		f.Add(17, 2, text)
	}
	f.Fuzz(func(t *testing.T, index, attempt int, text string) {
		for _, typ := range []ChunkType{ChunkContent, ChunkReasoning} {
			c := Chunk{Index: index, Type: typ, Content: text, Attempt: attempt}
			want, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.Encode(); err != nil || got.JSON != string(want) {
				t.Errorf("%q is %s, want %s", text, got.JSON, want)
			}
		}
	})
}
