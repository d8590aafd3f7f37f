package plain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// sentences hands text on in whole sentences and lines, so that a voice that
// reads it out need not begin in the middle.
type sentences struct{ held string }

// maxHeld bounds what waits for the end of a sentence, in bytes.
const maxHeld = 2000

// add takes the next piece and returns what is whole by now.
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

// rest is what is left when the text has ended.
func (s *sentences) rest() string {
	out := strings.TrimRight(s.held, "\n")
	s.held = ""
	return out
}

// lastEnd is where the last sentence or line in text ends, 0 if none does.
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

// endsSentence reports whether text ends with the end of a sentence, brackets and
// quotes behind it left out.
func endsSentence(text string) bool {
	text = strings.TrimRight(text, `"')]*_`)
	return text != "" && strings.IndexByte(".!?:", text[len(text)-1]) >= 0
}
