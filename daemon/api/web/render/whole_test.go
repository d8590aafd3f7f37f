package render_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"chat/daemon/api/web/render"
)

// Blocks that are rendered without each other show what the whole text shows.
func TestBlocksAreThoseOfTheWholeText(t *testing.T) {
	t.Parallel()
	lines := []string{
		"", "", "", "text", "more text", "# head", "- a", "- b", "  - c", "* d", "1. one", "2. two", "   in item", "  in bullet", "      deep", "    code", "> quote", ">", "```", "```go", "~~~", "---", "***",
		"| a | b |", "|---|---|", "| 1 | 2 |", "10) ten", "**bold** `x`", "- [x] done", "> - q", "- > r", "- # h", "5. five",
	}
	plain := func(s string) string { return strings.NewReplacer("\n", "", "<p>", "", "</p>", "").Replace(s) } // tight and loose lists
	for seed := range uint64(20_000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(lines[r.IntN(len(lines))] + "\n")
		}
		text := b.String()
		got := strings.Join(rendered(render.Blocks(text)), "")
		want := render.Block{Text: text}.HTML()
		if plain(got) != plain(want) {
			t.Errorf("seed %d: %q in blocks is\n%s\nthe whole is\n%s", seed, text, got, want)
		}
	}
}
