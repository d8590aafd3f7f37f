package render_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"chat/daemon/api/web/render"
)

// Whatever a text is, its HTML is safe, and does not depend on how the text was cut.
func FuzzHTML(f *testing.F) {
	var list []string
	if err := json.Unmarshal(hostileJSON, &list); err != nil {
		f.Fatal(err)
	}
	for i, text := range list {
		f.Add(text, uint(i))
	}
	f.Add("1. a\n\n   b\n\n2) c\n- d\n\n```go\nx\n~~~\n```\n|a|b|\n|-|-|\n|c|\n\n    code\n> q\n\n***\n# h", uint(7))
	f.Fuzz(func(t *testing.T, text string, cut uint) {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return // the server has normalized the text
		}
		whole := render.Blocks(text)
		for _, b := range whole {
			inspect(t, text, b.HTML())
		}
		var s render.Splitter
		var pieces []render.Block
		add := func(b render.Block) { pieces = append(pieces, b) }
		for i, r := range text {
			s.Append(text[i:i+utf8.RuneLen(r)], add)
			if (uint(i)^cut)%3 == 0 {
				if b, ok := s.Open(); ok {
					inspect(t, text, b.HTML())
				}
			}
		}
		s.Finish(add)
		if len(pieces) != len(whole) {
			t.Fatalf("%d blocks in pieces, %d of the whole: %q", len(pieces), len(whole), text)
		}
		for i := range whole {
			if pieces[i] != whole[i] {
				t.Fatalf("block %d in pieces\n%+v\nof the whole\n%+v", i, pieces[i], whole[i])
			}
		}
	})
}
