package search

import (
	"strings"
	"testing"
)

func TestSnippetsOfASearch(t *testing.T) {
	for text, want := range map[string]string{
		"nothing":                   "",
		"one Word here":             "one Word here",
		"a word\nand a second word": "and a second word",
		"ÄRGER über Ärger":          "",
		strings.Repeat("x", 50) + "word" + strings.Repeat("y", 80): "…" + strings.Repeat("x", 20) + "word" + strings.Repeat("y", 56) + "…",
	} {
		if got, _ := Snippet(text, []string{"word", "second"}); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got, n := Snippet("ÄRGER über Ärger", []string{"ärger"}); got != "ÄRGER über Ärger" || n != 1 {
		t.Errorf("%q, %d", got, n)
	}
}
