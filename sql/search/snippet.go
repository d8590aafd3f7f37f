package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A snippet has this many characters before and after the start of a word.
const (
	snippetBefore = 20
	snippetAfter  = 60
)

// Snippet returns the part of the line that has most of the words, which are in lower
// case, and the number of these words.
func Snippet(text string, words []string) (best string, most int) {
	for line := range strings.Lines(text) {
		runes := []rune(strings.TrimSpace(line))
		// Rune by rune, so that positions in both texts are equal.
		lower := make([]rune, len(runes))
		for i, r := range runes {
			lower[i] = unicode.ToLower(r)
		}
		folded, first, n := string(lower), len(runes), 0
		for _, word := range words {
			if before, _, found := strings.Cut(folded, word); found {
				n++
				first = min(first, utf8.RuneCountInString(before))
			}
		}
		if n > most {
			best, most = excerpt(runes, first), n
		}
	}
	return best, most
}

func excerpt(line []rune, at int) string {
	from, to := max(0, at-snippetBefore), min(len(line), at+snippetAfter)
	out := string(line[from:to])
	if from > 0 {
		out = "…" + out
	}
	if to < len(line) {
		out += "…"
	}
	return out
}
