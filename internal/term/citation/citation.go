// Package citation takes the citation markers of providers out of answers that are
// shown. A marker refers to a list that only the provider's own page has: on a
// terminal it is a few boxes, or noise. What a reader can use stays: the name of a
// file, or a number in brackets. Stored text keeps its markers.
package citation

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Stream takes the markers out of a text that arrives in pieces, cut anywhere but
// inside a character. Only what may still become a marker is held back, and the
// spaces before it. The zero Stream is ready.
type Stream struct {
	held  string
	lines lines
	begun bool // something stands on the line that is being written
}

// String is a whole text without its markers.
func String(text string) string {
	if !suspicious(text) {
		return text
	}
	var s Stream
	return s.Append(text) + s.Flush()
}

// Append returns what can be shown of the text so far that was not returned before.
func (s *Stream) Append(text string) string { return s.take(text, false) }

// Flush says that the text has ended, and returns the rest.
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
			s.begun = !strings.HasSuffix(shown, "\n")
		}
		in = in[n:]
	}
	s.held = in
	return out.String()
}

// suspicious reports whether anything in a text may be a marker.
func suspicious(text string) bool {
	return strings.Contains(text, "cit") || strings.Contains(text, "【") || strings.Contains(text, "<grok") ||
		strings.IndexByte(text, privateOpen[0]) >= 0
}

// plain is the length of what a text begins with that no marker begins with.
func plain(text string) int {
	for i := range len(text) {
		if text[i] == ' ' || mayBegin(text[i:]) {
			return i
		}
	}
	return len(text)
}

// step takes the next character, or marker with the spaces before it: its length and
// what is shown of it. The length is 0 if more is needed to tell.
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

// without is the step over a marker, and over those that follow it at once. Where
// nothing is shown of them, one of the spaces around them goes, too.
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
		if spaces == 0 && !s.begun && next == ' ' {
			n++
		}
		return n, ""
	}
	return n, in[:spaces]
}
