package citation

import (
	"strings"
	"testing"
)

var markers = map[string]struct{ text, want string }{
	"none":                      {"Nothing to see [1] here: a [link](x), `c`, <b> f. ", "Nothing to see [1] here: a [link](x), `c`, <b> f. "},
	"a citation":                {"It exists. \ue200cite\ue202turn1view0\ue201 More.", "It exists. More."},
	"several sources":           {"So. \ue200cite\ue202turn0search1\ue202turn0search2\ue202turn3news4\ue201\nNext", "So.\nNext"},
	"several markers":           {"So. \ue200cite\ue202turn0search1\ue201 \ue200cite\ue202turn0search2\ue201 Next", "So. Next"},
	"markers side by side":      {"So \ue200cite\ue202a\ue201\ue200cite\ue202b\ue201.", "So."},
	"before a full stop":        {"It exists \ue200cite\ue202turn0search1\ue201. More", "It exists. More"},
	"without a space":           {"It exists.\ue200cite\ue202turn0search1\ue201 More", "It exists. More"},
	"between words":             {"It\ue200cite\ue202turn0search1\ue201 is", "It is"},
	"at the beginning":          {"\ue200cite\ue202turn0search1\ue201 It is", "It is"},
	"at the end":                {"It is \ue200cite\ue202turn0search1\ue201", "It is"},
	"in a list":                 {"- \ue200cite\ue202x\ue201 one\n- two \ue200cite\ue202x\ue201\n", "- one\n- two\n"},
	"in a table":                {"| a \ue200cite\ue202x\ue201 | b |\n", "| a | b |\n"},
	"a file":                    {"See \ue200filecite\ue202turn0file3\ue202L1-L9\ue201.", "See."},
	"an entity":                 {"By \ue200entity\ue202[\"people\", \"Ada Lovelace\", 0]\ue201 in 1843", "By Ada Lovelace in 1843"},
	"an entity, damaged":        {"By \ue200entity\ue202[\"people\"\ue201 in 1843", "By in 1843"},
	"a link":                    {"See \ue200url\ue202the page\ue202turn0search0\ue201 now", "See the page now"},
	"a link with its target":    {"See \ue200url\ue202the page\ue202https://a.example/b\ue201", "See the page (https://a.example/b)"},
	"a list of news":            {"Now\n\ue200navlist\ue202News\ue202turn0news1,turn0news2\ue201\nend", "Now\n\nend"},
	"pictures":                  {"\ue200image_group\ue202{\"query\":[\"a\",\"b\"],\n\"n\":1}\ue201\nThat.", "\nThat."},
	"marks around a text":       {"\ue203It exists.\ue204\ue206 More.", "It exists. More."},
	"without an end":            {"It exists. \ue200cite\ue202turn1view0 and more\n\nThe rest [1]. \ue200cite\ue202x\ue201 End.", "It exists. and more\n\nThe rest [1]. End."},
	"no end, and it ends":       {"It exists. \ue200cite\ue202turn1vi", "It exists."},
	"an end alone":              {"It\ue201 exists.", "It exists."},
	"a beginning alone":         {"a \ue200 b\n\nc", "a b\n\nc"},
	"nested":                    {"a \ue200cite\ue202x \ue200cite\ue202y\ue201 b", "a b"},
	"text after a beginning":    {"\ue200hello there\n\nyou", "hello there\n\nyou"},
	"a source":                  {"It exists【12†source】. More【4:0†source】", "It exists. More"},
	"a source, spaced":          {"It exists 【12†source】 and more", "It exists and more"},
	"lines of a source":         {"so【7†L1-L9】 or【3†L12】, or【9†L3-L4, L9】.", "so or, or."},
	"the name of a file":        {"It says so【4:0†report final.pdf】.", "It says so[report final.pdf]."},
	"a title and its site":      {"so 【2†The Title†example.org】", "so [The Title]"},
	"a place in the code":       {"in 【F:src/main.go†L10-L20】", "in [src/main.go L10-L20]"},
	"the output of a tool":      {"as 【a1b2c3†L1-L4】 shows", "as shows"},
	"a turn in brackets":        {"so【turn0search3】 it is【turn0search3†L1-L5】", "so it is"},
	"brackets of a language":    {"【重要】 これ【1】は【注意†】【note】", "【重要】 これ【1】は【注意†】【note】"},
	"a bracket that never ends": {"【12†source and\nmore", "【12†source and\nmore"},
	"a bracket that is cut":     {"so 【12†sour", "so 【12†sour"},
	"lost marks":                {"It exists. citeturn0search1turn2view3 More. fileciteturn0file0", "It exists. More."},
	"no lost marks":             {"to cite turn0, recite, citeturn, filecite. c", "to cite turn0, recite, citeturn, filecite. c"},
	"a span of sources":         {"[cite_start]**High** it is[cite: 1, 12]. [cite_end]Next", "**High** it is[1, 12]. Next"},
	"numbered":                  {"so [citation:3][citation: 4] it is", "so [3][4] it is"},
	"no numbers":                {"[citation needed] [cite: the book] [cite]", "[citation needed] [cite: the book] [cite]"},
	"a reference":               {"so :contentReference[oaicite:0]{index=0} it is :contentReference[oaicite:12]{index=12}", "so it is"},
	"a reference without index": {"so :contentReference[oaicite:0]. [oaicite:3] and [oaicite:4]{index=4}{x}", "so. and {x}"},
	"an attribution":            {"[oai_citation:1‡example.org](https://example.org/a)", "[example.org](https://example.org/a)"},
	"another attribution":       {"([oai_citation_attribution:0‡The Site](https://e.org))", "([The Site](https://e.org))"},
	"a rendering":               {"so<grok:render card_id=\"a\" type=\"render_inline_citation\">\n<argument name=\"citation_id\">3</argument>\n</grok:render>. Then", "so. Then"},
	"numbers stay":              {"so [1][2], [^3], (4) and [doc1]", "so [1][2], [^3], (4) and [doc1]"},
	"in a code span":            {"write `[cite: 1]` and ``a ` 【1†source】``, not [cite: 1]", "write `[cite: 1]` and ``a ` 【1†source】``, not [1]"},
	"in code":                   {"```js\nx(\"[cite: 1]\") \ue200\n```\n[cite: 2]\n~~~~\n```\n[cite: 3]\n~~~~\n- ```\n  [cite: 4]\n  ```\n[cite: 5]", "```js\nx(\"[cite: 1]\") \ue200\n```\n[2]\n~~~~\n```\n[cite: 3]\n~~~~\n- ```\n  [cite: 4]\n  ```\n[5]"},
	"spaces":                    {"  a   b  \n\n    code\n ", "  a   b  \n\n    code\n "},
	"a hard break":              {"one \ue200cite\ue202x\ue201  \ntwo", "one  \ntwo"},
}

func TestMarkersAreRemoved(t *testing.T) {
	for name, c := range markers {
		if got := String(c.text); got != c.want {
			t.Errorf("%s: %q is shown as %q, want %q", name, c.text, got, c.want)
		}
	}
}

func TestMarkersAreRemovedAtAnyCut(t *testing.T) {
	for name, c := range markers {
		if strings.HasSuffix(name, "lost marks") {
			continue // cut in its first word, that is words
		}
		runes := []rune(c.text)
		for cut := range runes {
			var s Stream
			if got := s.Append(string(runes[:cut])) + s.Append(string(runes[cut:])) + s.Flush(); got != c.want {
				t.Fatalf("%s cut at %d: %q, want %q", name, cut, got, c.want)
			}
		}
		for step := 1; step < 4; step++ {
			var s Stream
			var got strings.Builder
			for i := 0; i < len(runes); i += step {
				got.WriteString(s.Append(string(runes[i:min(i+step, len(runes))])))
			}
			if got.WriteString(s.Flush()); got.String() != c.want {
				t.Fatalf("%s in pieces of %d: %q, want %q", name, step, got.String(), c.want)
			}
		}
	}
}

// A marker without an end does not delay the text after it, however long.
func TestUnfinishedMarkerHoldsLittleBack(t *testing.T) {
	for _, begin := range []string{"\ue200cite\ue202turn0", "【12†source", "[cite: 1, ", "[oai_citation:1‡", "<grok:render ", ":contentReference[oaicite:", "\ue200"} {
		var s Stream
		text := begin + strings.Repeat(" and more text", 1000)
		shown := s.Append(text)
		if len(shown) < len(text)-5000 {
			t.Errorf("%q: %d bytes of %d are held back", begin, len(text)-len(shown), len(text))
		}
		if whole := shown + s.Flush(); !strings.HasSuffix(whole, strings.Repeat(" and more text", 999)) {
			t.Errorf("%q: text is lost: %q", begin, whole[:60])
		}
	}
}

// All received text is shown while nothing else arrives, except for the ends of a
// few words.
func TestPlainTextIsNotHeldBack(t *testing.T) {
	for _, text := range []string{"the first half", "a topic", "a file", "public", "to reci", "so 5 > 4", "(a)", "x]", "end."} {
		var s Stream
		if got := s.Append(text); got != text {
			t.Errorf("of %q is shown %q", text, got)
		}
	}
	for _, pieces := range [][]string{{"It is. cite", "turn0", "search1", " More."}, {"It is.", " cite", "turn0search1turn", "2view3 ", "More."}} {
		var s Stream
		got := ""
		for _, p := range pieces {
			got += s.Append(p)
		}
		if got += s.Flush(); got != "It is. More." {
			t.Errorf("%q is shown as %q", pieces, got)
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, c := range markers {
		f.Add(c.text, uint(3))
	}
	f.Fuzz(func(t *testing.T, text string, cut uint) {
		if strings.Contains(text, "cite") {
			return // cut in its first word, a marker without its private characters is text
		}
		runes := []rune(text)
		at := int(cut % uint(len(runes)+1))
		var s, whole Stream
		want := whole.Append(string(runes)) + whole.Flush()
		if got := s.Append(string(runes[:at])) + s.Append(string(runes[at:])) + s.Flush(); got != want {
			t.Errorf("%q cut at %d: %q, want %q", text, at, got, want)
		}
		if got := String(string(runes)); got != want {
			t.Errorf("%q: %q, in a stream %q", text, got, want)
		}
	})
}
