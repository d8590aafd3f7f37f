package keyboard

import (
	"strings"
	"unicode/utf8"
)

// Several characters that come in one read are a text: somebody types quickly over
// a slow line, has chosen a word of an input method, or pastes into a terminal that
// does not mark it. Bubble Tea reports such a text in one message, unless a space or
// a tab is in it. Inside a text these two controls, which no keyboard sends, stand
// for them.
const (
	innerSpace = '\u0080'
	innerTab   = '\u0081'
)

// span is a part of the output.
type span struct{ from, to int }

// extended are the texts of an output with one more typed character in it.
func extended(texts []span, from, to int) []span {
	if n := len(texts); n > 0 && texts[n-1].to == from {
		texts[n-1].to = to
		return texts
	}
	return append(texts, span{from, to})
}

// isText reports whether a byte begins a character of a text. A tab does inside one.
func isText(b byte) bool { return b >= ' ' && b != del || b == '\t' }

// joined is out with the texts in one piece each. A tab at either end of a text is the key.
func joined(out []byte, texts []span) []byte {
	var b strings.Builder
	done := 0
	for _, t := range texts {
		text := string(out[t.from:t.to])
		inner := strings.Trim(text, "\t")
		if utf8.RuneCountInString(inner) < 2 {
			continue
		}
		from := t.from + strings.Index(text, inner)
		b.Write(out[done:from])
		b.WriteString(strings.NewReplacer(" ", string(innerSpace), "\t", string(innerTab)).Replace(inner))
		done = from + len(inner)
	}
	b.Write(out[done:])
	return append(out[:0], b.String()...)
}

// Text is what characters mean that a message of Bubble Tea reports together.
func Text(runes []rune) string {
	return strings.NewReplacer(string(innerSpace), " ", string(innerTab), "\t").Replace(string(runes))
}

// Role is what a character does as a key.
type Role int

// The roles.
const (
	NoKey  Role = iota
	Moves       // it changes only what is in sight
	Action      // it does anything else
)

// Presses are the key presses that a text may be where keys are single characters:
// keys that only move, as they come while one is held down, and at most one other
// behind them. Any other text is none, whatever its characters would do as keys.
func Presses(text string, role func(key string) Role) []string {
	var presses []string
	for i, r := range text {
		key := string(r)
		switch role(key) {
		case NoKey:
			return nil
		case Action:
			if i+len(key) < len(text) {
				return nil
			}
		case Moves:
		}
		presses = append(presses, key)
	}
	return presses
}
