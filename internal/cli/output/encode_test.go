package output

import (
	"encoding/json"
	"strings"
	"testing"

	"chat"
	"chat/internal/term/sanitize/hostile"
)

func TestJSONMeansWhatItMeant(t *testing.T) {
	var all strings.Builder
	for _, p := range hostile.Payloads() {
		all.WriteString(p.Text)
	}
	for r := rune(1); r <= 0xA0; r++ {
		all.WriteRune(r)
	}
	all.WriteString("\u061c\u200e\u2028\u202e\u2066")
	text := chat.NormalizeText(all.String())
	b, err := EncodeJSON(map[string]string{"a": text}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(b, &back); err != nil || back["a"] != text {
		t.Errorf("%v: %q became %q", err, text, back["a"])
	}
	for _, want := range []string{"日本語", "é", "👩‍👩‍👧", "<b>&"} {
		if b, err := EncodeJSON(want, "", ""); err != nil || string(b) != `"`+want+"\"\n" {
			t.Errorf("%s: %s, %v", want, b, err)
		}
	}
}
