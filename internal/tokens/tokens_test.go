package tokens_test

import (
	"strings"
	"testing"

	"chat"
	"chat/internal/tokens"
)

// The counts of GPT-4o's tokenizer for these texts are 10, 13 and 8: an estimate need not be
// right, but of that size.
func TestAnEstimateHasTheSizeOfACount(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]int{
		"":     {0, 0},
		"word": {1, 1},
		"The quick brown fox jumps over the lazy dog.": {8, 14},
		"Съешь ещё этих мягких французских булок":      {12, 22},
		"今天天气很好我们去公园":                                  {7, 12},
		strings.Repeat("x", 4000):                      {1000, 1000},
	} {
		if n := tokens.Text(text); n < want[0] || n > want[1] {
			t.Errorf("%.30q: %d, want %d to %d", text, n, want[0], want[1])
		}
	}
}

func TestAMessageCountsAsItIsSent(t *testing.T) {
	t.Parallel()
	of := func(parts ...chat.Part) int {
		m := chat.Message{}
		m.SetParts(parts)
		return tokens.Message(&m)
	}
	empty := of()
	long := strings.Repeat("text ", 80)
	for name, c := range map[string]struct {
		part chat.Part
		want int
	}{
		"text":             {chat.Part{Type: chat.PartText, Text: long}, 100},
		"an image":         {chat.Part{Type: chat.PartImage, Size: 4 << 20}, 1200},
		"a file":           {chat.Part{Type: chat.PartFile, Size: 4000}, 1000},
		"reasoning":        {chat.Part{Type: chat.PartReasoning, Text: long}, 0},
		"signed reasoning": {chat.Part{Type: chat.PartReasoning, Text: long, ProviderData: &chat.ProviderData{Provider: "x"}}, 100},
		"a result":         {chat.Part{Type: chat.PartToolResult, Text: long}, 100},
	} {
		if got := of(c.part) - empty; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	if got := tokens.Messages("", nil); got != 0 {
		t.Errorf("nothing takes %d", got)
	}
}

func TestAFactorIsBounded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		counted, estimated int
		want               float64
	}{
		{1000, 500, 2},
		{100, 10, 1},
		{10_000, 300, 3},
		{300, 30_000, 1.0 / 3},
		{0, 500, 1},
	} {
		if got := tokens.Factor(c.counted, c.estimated); got != c.want {
			t.Errorf("%d for %d: %v, want %v", c.counted, c.estimated, got, c.want)
		}
	}
}
