package answer

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// tail holds back the beginning of a character until its end comes.
type tail struct{ held string }

// join returns the held-back bytes and s, without an unfinished character at the end.
func (t *tail) join(s string) string {
	if t.held != "" {
		s = joinSurrogates(t.held + s)
	}
	cut := unfinishedFrom(s)
	t.held = strings.Clone(s[cut:])
	return s[:cut]
}

// unfinishedFrom returns where an incomplete character at the end of s begins, or len(s).
// A high surrogate is half a character.
func unfinishedFrom(s string) int {
	for i := len(s) - 1; i >= 0 && i >= len(s)-3; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		if !utf8.FullRuneInString(s[i:]) || len(s)-i == 3 && utf16.IsSurrogate(surrogate(s[i:])) && surrogate(s[i:]) < lowSurrogates {
			return i
		}
		break
	}
	return len(s)
}

const lowSurrogates = 0xDC00

// surrogate returns the surrogate that s begins with, or 0.
func surrogate(s string) rune {
	if len(s) < 3 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xBF || s[2]&0xC0 != 0x80 {
		return 0
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F)
}

// joinSurrogates joins the two halves of a character that s may begin with.
func joinSurrogates(s string) string {
	if high := surrogate(s); high != 0 {
		if r := utf16.DecodeRune(high, surrogate(s[3:])); r != utf8.RuneError {
			return string(r) + s[6:]
		}
	}
	return s
}
