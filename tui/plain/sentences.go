package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentences splits text into whole sentences and lines, so that a screen reader
// does not begin in the middle of one.
type sentences struct{ held string }

// maxHeld is the most text that waits for the end of a sentence, in bytes.
const maxHeld = 2000

// add adds the next piece and returns the sentences that are complete.
func (s *sentences) add(text string) string {
	s.held += text
	end := lastEnd(s.held)
	if end == 0 && len(s.held) > maxHeld {
		end = strings.LastIndexByte(s.held, ' ') + 1
		if end == 0 {
			end = len(s.held)
		}
	}
	out := s.held[:end]
	s.held = s.held[end:]
	return out
}

// rest returns the text that is left at the end.
func (s *sentences) rest() string {
	out := strings.TrimRight(s.held, "\n")
	s.held = ""
	return out
}

// lastEnd returns the offset after the last sentence or line in text, 0 if none is
// complete.
func lastEnd(text string) int {
	for i := len(text); i > 0; {
		r, size := utf8.DecodeLastRuneInString(text[:i])
		switch {
		case r == '\n', strings.ContainsRune("。！？", r):
			return i
		case unicode.IsSpace(r) && endsSentence(text[:i-size]):
			return i
		}
		i -= size
	}
	return 0
}

// endsSentence reports whether text ends a sentence, ignoring closing brackets and
// quotes.
func endsSentence(text string) bool {
	text = strings.TrimRight(text, `"')]*_`)
	return text != "" && strings.IndexByte(".!?:", text[len(text)-1]) >= 0
}
