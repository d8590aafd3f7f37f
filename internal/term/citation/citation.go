// Package citation removes the citation markers of providers from answers that are
// shown. A marker refers to a list that only the provider's own page has; on a
// terminal it would be noise. The useful part stays: the name of a file, or a
// number in brackets. Stored text keeps its markers.
package citation

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Stream removes the markers from a text that arrives in pieces, which may be cut
// anywhere except inside a character. It holds back only text that may still become
// a marker, and the spaces before it. The zero Stream is ready.
type Stream struct {
	held        string
	lines       lines
	lineStarted bool // the current line is not empty
}

// String returns a whole text without its markers.
func String(text string) string {
	if !suspicious(text) {
		return text
	}
	var s Stream
	return s.Append(text) + s.Flush()
}

// Append adds a piece and returns the new text that can be shown.
func (s *Stream) Append(text string) string { return s.take(text, false) }

// Flush ends the text and returns the rest.
func (s *Stream) Flush() string { return s.take("", true) }

func (s *Stream) take(text string, ended bool) string {
	in := s.held + text
	var out strings.Builder
	for in != "" {
		n := plain(in)
		shown := in[:n]
		if n == 0 {
			n, shown = s.step(in, ended)
		}
		if n == 0 {
			break
		}
		s.lines.add(in[:n])
		out.WriteString(shown)
		if shown != "" {
			s.lineStarted = !strings.HasSuffix(shown, "\n")
		}
		in = in[n:]
	}
	s.held = in
	return out.String()
}

// suspicious reports whether a text may contain a marker.
func suspicious(text string) bool {
	return strings.Contains(text, "cit") || strings.Contains(text, "【") || strings.Contains(text, "<grok") ||
		strings.IndexByte(text, privateOpen[0]) >= 0
}

// plain returns the length of the beginning of a text in which no marker can begin.
func plain(text string) int {
	for i := range len(text) {
		if text[i] == ' ' || mayBegin(text[i:]) {
			return i
		}
	}
	return len(text)
}

// step handles the next character, or marker with the spaces before it. It returns
// its length and the text to show. The length is 0 if more text is needed to
// decide.
func (s *Stream) step(in string, ended bool) (n int, shown string) {
	rest := strings.TrimLeft(in, " ")
	spaces := in[:len(in)-len(rest)]
	switch {
	case s.lines.code():
	case rest == "" && !ended:
		return 0, ""
	case rest != "" && mayBegin(rest):
		m := find(rest, ended)
		if m.open {
			return 0, ""
		}
		if m.length > 0 {
			return s.without(in, len(spaces), m, ended)
		}
	}
	if spaces != "" {
		return len(spaces), spaces
	}
	_, size := utf8.DecodeRuneInString(in)
	return size, in[:size]
}

// without is the step over adjacent markers. If nothing is shown for them, it also
// removes one of the spaces around them.
func (s *Stream) without(in string, spaces int, m marker, ended bool) (n int, shown string) {
	n = spaces
	for m.length > 0 && m.shown == "" {
		n += m.length
		m = marker{}
		if in[n:] != "" && mayBegin(in[n:]) {
			m = find(in[n:], ended)
		}
		if m.open || in[n:] == "" && !ended {
			return 0, ""
		}
	}
	next, _ := utf8.DecodeRuneInString(in[n:])
	switch {
	case m.length > 0:
		return n + m.length, in[:spaces] + m.shown
	case in[n:] == "", unicode.IsSpace(next), strings.ContainsRune(".,;:!?)", next):
		if spaces == 0 && !s.lineStarted && next == ' ' {
			n++
		}
		return n, ""
	}
	return n, in[:spaces]
}
