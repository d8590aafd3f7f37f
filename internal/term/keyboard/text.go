package keyboard

import (
	"strings"
	"unicode/utf8"
)

// Several characters in one read are a text: fast typing over a slow line, a word
// of an input method, or a paste into a terminal that does not mark pastes. Bubble
// Tea reports such a text in one message, unless it contains a space or a tab.
// Inside a text, these two controls, which no keyboard sends, replace them.
const (
	innerSpace = '\u0080'
	innerTab   = '\u0081'
)

// span is a part of the output.
type span struct{ from, to int }

// extended returns the texts of an output after one more typed character.
func extended(texts []span, from, to int) []span {
	if n := len(texts); n > 0 && texts[n-1].to == from {
		texts[n-1].to = to
		return texts
	}
	return append(texts, span{from, to})
}

// isText reports whether a byte begins a character of a text. A tab counts inside
// one.
func isText(b byte) bool { return b >= ' ' && b != del || b == '\t' }

// joined returns out with each text in one piece. A tab at either end of a text is
// the key.
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

// Text restores the characters of a message of Bubble Tea.
func Text(runes []rune) string {
	return strings.NewReplacer(string(innerSpace), " ", string(innerTab), "\t").Replace(string(runes))
}

// Role is the effect of a character as a key.
type Role int

// The roles.
const (
	NoKey  Role = iota
	Moves       // it changes only what is visible
	Action      // it does anything else
)

// Presses returns the key presses that a text may stand for where keys are single
// characters: keys that only move, as a key that is held down sends them, and at
// most one other key after them. It returns none for any other text.
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
