// Package sanitize makes foreign text safe for the screen: answers, titles, errors,
// names. All foreign text passes through it. Sanitized text cannot move the cursor,
// change colours or modes, set a title or the clipboard, or reorder what a reader
// sees.
//
// Removed: the C0 controls but newline and tab, DEL, the C1 controls, and every
// ESC, CSI, OSC, DCS, SOS, PM and APC sequence (ECMA-48), complete or not. Shown
// as ⟦U+202E⟧: the bidirectional controls (Unicode's property Bidi_Control).
// Invalid UTF-8 becomes U+FFFD, U+2028 and U+2029 become newlines.
package sanitize

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxString is the most that an unfinished control string can swallow, in bytes. A
// newline ends one as well. Ending early is safe, because every introducer that
// follows is removed, and it loses less text.
const maxString = 4096

type state uint8

const (
	ground     state = iota
	escape           // after ESC
	escapeInt        // ESC and intermediate bytes
	csi              // inside a control sequence
	str              // inside OSC, DCS, SOS, PM or APC
	escapeInst       // ESC inside one of those: the string's end, or a new sequence
)

// Stream sanitizes a text that arrives in pieces, which may be cut inside a
// sequence or a character. The zero Stream is ready. Its memory is bounded.
type Stream struct {
	state   state
	length  int // of the control string so far
	partial [utf8.UTFMax]byte
	held    int // bytes in partial
}

// Append returns the safe text of the next piece. It holds an incomplete character
// back until the rest arrives.
func (s *Stream) Append(text string) string {
	if s.state == ground && s.held == 0 && clean(text) {
		return text
	}
	if s.held > 0 {
		text = string(s.partial[:s.held]) + text
		s.held = 0
	}
	var out strings.Builder
	out.Grow(len(text))
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && size == 1 && !utf8.FullRuneInString(text) {
			s.held = copy(s.partial[:], text)
			break
		}
		s.next(&out, r)
		text = text[size:]
	}
	return out.String()
}

// String sanitizes a whole text.
func String(text string) string {
	if clean(text) {
		return text
	}
	var s Stream
	out := s.Append(text)
	if s.held > 0 {
		out += string(utf8.RuneError)
	}
	return out
}

// Line sanitizes a text for one row: newlines and tabs become spaces.
func Line(text string) string {
	text = String(text)
	if strings.ContainsAny(text, "\n\t") {
		text = strings.Join(strings.Fields(text), " ")
	}
	return text
}

// clean reports whether text needs no work: printable ASCII, newlines and tabs.
func clean(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x7F || (c < 0x20 && c != '\n' && c != '\t') {
			return false
		}
	}
	return true
}

// next advances the state machine by one character.
func (s *Stream) next(out *strings.Builder, r rune) {
	if s.introduces(r) {
		return
	}
	switch s.state {
	case ground:
		emit(out, r)
	case escape, escapeInt, escapeInst:
		s.afterEscape(out, r)
	case csi:
		switch {
		case r >= 0x20 && r <= 0x3F: // parameters and intermediates
		case r >= 0x40 && r <= 0x7E:
			s.state = ground
		default:
			s.state = ground
			emit(out, r)
		}
	case str:
		s.length += utf8.RuneLen(r)
		switch {
		case r == 0x07 || r == 0x18 || r == 0x1A: // BEL ends an OSC; CAN and SUB abort
			s.state = ground
		case r == '\n' || s.length > maxString:
			s.state = ground
			emit(out, r)
		}
	}
}

// introduces handles the characters that begin or end a sequence in any state.
func (s *Stream) introduces(r rune) bool {
	switch r {
	case 0x1B:
		if s.state == str {
			s.state = escapeInst
		} else {
			s.state = escape
		}
	case 0x9B:
		s.state = csi
	case 0x90, 0x98, 0x9D, 0x9E, 0x9F: // DCS, SOS, OSC, PM, APC
		s.state, s.length = str, 0
	case 0x9C: // ST
		s.state = ground
	default:
		return false
	}
	return true
}

func (s *Stream) afterEscape(out *strings.Builder, r rune) {
	first := s.state != escapeInt
	switch {
	case first && r == '[':
		s.state = csi
	case first && (r == 'P' || r == 'X' || r == ']' || r == '^' || r == '_'):
		s.state, s.length = str, 0
	case r >= 0x20 && r <= 0x2F:
		s.state = escapeInt
	case r >= 0x30 && r <= 0x7E: // a final byte; ESC \ is the string terminator
		s.state = ground
	default:
		s.state = ground
		emit(out, r)
	}
}

// emit writes one character of plain text, made safe.
func emit(out *strings.Builder, r rune) {
	switch {
	case r == '\n' || r == '\t':
		out.WriteByte(byte(r))
	case r < 0x20 || (r >= 0x7F && r <= 0x9F):
	case r == 0x2028 || r == 0x2029:
		out.WriteByte('\n')
	case bidi(r):
		fmt.Fprintf(out, "⟦U+%04X⟧", r)
	default:
		out.WriteRune(r)
	}
}

func bidi(r rune) bool {
	return r == 0x061C || r == 0x200E || r == 0x200F ||
		(r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069)
}
