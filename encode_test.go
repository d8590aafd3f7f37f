package chat

import (
	"encoding/json"
	"reflect"
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

// A text chunk with any further field is encoded with it.
func TestEncodeKeepsEveryField(t *testing.T) {
	whole := Chunk{
		Index: 1, Content: "text", Attempt: 2,
		MessageID: "m", State: TaskDone, FinishReason: "stop", Usage: &Usage{TotalTokens: 1}, Code: CodeInternal, Retryable: true, Notices: []string{"a notice"},
		CallID: "c", Name: "n", IsError: true, DurationMS: 3, ProviderData: &ProviderData{Provider: "p", Data: json.RawMessage("1")},
	}
	fields := reflect.TypeFor[Chunk]()
	for i := range fields.NumField() {
		c := Chunk{Type: ChunkContent}
		if fields.Field(i).Name != "Type" {
			reflect.ValueOf(&c).Elem().Field(i).Set(reflect.ValueOf(whole).Field(i))
			if reflect.ValueOf(c).Field(i).IsZero() {
				t.Errorf("the test has no value for %s", fields.Field(i).Name)
			}
		}
		want, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Encode(); err != nil || got.JSON != string(want) {
			t.Errorf("%s: %s, want %s", fields.Field(i).Name, got.JSON, want)
		}
	}
}
