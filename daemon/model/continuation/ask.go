// Package continuation joins the text of an answer that was cut and the text that a model
// writes to continue it.
//
// A provider either continues the text itself (it is prefilled with the beginning of its
// answer), or it is asked to. Models that are asked repeat something first: the last words, as
// they are told to, but also the last line, the opening of the code, or the whole answer. A
// Joint removes that, and nothing else.
package continuation

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chat"
)

// Ask returns the message that asks a model to continue its last one. f is the form of the whole,
// nil for free text.
func Ask(before string, f *chat.Format) string {
	said := "Your last message was cut off before its end. Continue it exactly where it stopped, in the same language and format. " +
		"Begin by repeating its last words, which stand between the lines of dashes, and go on from there:\n\n" +
		"-----\n" + anchor(before) + "\n-----\n\n" +
		"Write nothing before these words: no introduction, no apology, no comment, and no code fence if the text was inside of one already."
	if f != nil {
		said += " The whole has to be one JSON value: close everything that is still open, and write nothing after it."
	}
	if f != nil && len(f.Schema) > 0 {
		said += " It has to match this JSON Schema:\n\n" + string(f.Schema)
	}
	return said
}

// Trim returns an unfinished text as it is sent: some providers refuse space at the end of an
// answer to continue.
func Trim(before string) string { return strings.TrimRightFunc(before, unicode.IsSpace) }

// The size of what a model is asked to repeat, in characters. It has so many lines at most if
// the last ones occur more than once.
const (
	anchorMost    = 60
	anchorLeast   = 12
	anchorLines   = 8
	anchorLongest = 400 // of the lines together
)

// anchor returns the last words of a text, from the beginning of a word or of a line.
func anchor(before string) string {
	s := Trim(before)
	return s[anchorStart(s):]
}

// anchorStart returns where the anchor of a trimmed text begins.
func anchorStart(s string) int {
	start := len(s)
	for range anchorLines {
		start = strings.LastIndexByte(strings.TrimRightFunc(s[:start], unicode.IsSpace), '\n') + 1
		n := utf8.RuneCountInString(s[start:])
		if last := lastWords(s, start, n-anchorMost); isOnce(s, last) && n > anchorMost {
			start = last
			break
		}
		if start = lastWords(s, start, n-anchorLongest); start == 0 || n > anchorLongest || n >= anchorLeast && isOnce(s, start) {
			break
		}
	}
	return start + leading(s[start:], unicode.IsSpace)
}

// isOnce reports whether the text from i on stands at the end of s only.
func isOnce(s string, i int) bool {
	from := max(0, len(s)-window)
	return i < from || strings.Index(s[from:], s[i:]) == i-from
}

// lastWords returns where a word begins at least n characters after start, or start if n is not
// positive.
func lastWords(s string, start, n int) int {
	if n <= 0 {
		return start
	}
	for range n {
		_, size := utf8.DecodeRuneInString(s[start:])
		start += size
	}
	if word := nextWord(s[start:]); word > 0 && utf8.RuneCountInString(s[start+word:]) >= anchorLeast {
		start += word
	}
	return start
}

// nextWord returns where the first word begins that has a space before it, 0 if there is none.
func nextWord(s string) int {
	space := strings.IndexFunc(s, unicode.IsSpace)
	if space < 0 {
		return 0
	}
	word := strings.IndexFunc(s[space:], func(r rune) bool { return !unicode.IsSpace(r) })
	if word < 0 {
		return 0
	}
	return space + word
}
