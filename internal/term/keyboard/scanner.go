package keyboard

import (
	"bytes"
	"unicode/utf8"
)

// The control characters that sequences are made of.
const (
	bel = 0x07
	esc = 0x1b
	del = 0x7f
)

// maxSequence is the maximum length of the sequence of a key, and of a reply that
// is parsed.
const maxSequence = 64

// The marks around a paste.
const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

type state int

const (
	typing         state = iota
	escaped              // after ESC
	control              // in a control sequence, ESC [ …
	single               // after ESC O
	inString             // in a string: ESC ] …, ESC P …, ESC _ …, ESC ^ …, ESC X …
	inStringEscape       // after ESC in a string
	pasting              // between the marks of a paste
	inRune               // in a character of several bytes
)

// scanner separates keys from the replies of a terminal. It passes each key in one
// piece, and drops strings, because no key sends one.
type scanner struct {
	state state
	held  []byte // an incomplete sequence or character, or the end of a paste
	said  []byte // the beginning of a string
	reply []byte // a complete string
}

// take scans one byte, and appends the keys that are certain to out: at most
// maxSequence bytes more than it was given.
func (s *scanner) take(b byte, out []byte) []byte {
	switch s.state {
	case escaped:
		return s.escape(b, out)
	case control:
		return s.control(b, out)
	case single:
		return s.release(append(s.held, b), out)
	case inString, inStringEscape:
		return s.string(b, out)
	case pasting:
		s.held = append(s.held[max(0, len(s.held)-len(pasteEnd)+1):], b)
		if bytes.Equal(s.held, []byte(pasteEnd)) {
			s.state, s.held = typing, s.held[:0]
		}
		return append(out, b)
	case inRune:
		return s.spell(b, out)
	case typing:
	}
	switch {
	case b == esc:
		s.state, s.held = escaped, append(s.held[:0], b)
	case b >= utf8.RuneSelf:
		s.held = s.held[:0]
		return s.spell(b, out)
	default:
		return append(out, b)
	}
	return out
}

// release appends a complete key.
func (s *scanner) release(key, out []byte) []byte {
	s.state = typing
	if string(key) == pasteBegin {
		s.state = pasting
	}
	out = append(out, key...)
	s.held = s.held[:0]
	return out
}

func (s *scanner) escape(b byte, out []byte) []byte {
	s.held = append(s.held, b)
	switch b {
	case '[':
		s.state = control
	case 'O':
		s.state = single
	case ']', 'P', '_', '^', 'X':
		s.state, s.said = inString, append([]byte(nil), s.held...)
	case esc:
		if len(s.held) > 2 { // the key repeats
			return s.release(s.held, out)
		}
	default:
		return s.release(s.held, out)
	}
	return out
}

func (s *scanner) control(b byte, out []byte) []byte {
	switch {
	case b < ' ' || b >= del: // not a sequence
		s.state, s.held = typing, s.held[:0]
		return s.take(b, out)
	case len(s.held) >= maxSequence:
		if b >= '@' {
			s.state, s.held = typing, s.held[:0]
		}
		return out
	}
	s.held = append(s.held, b)
	linux := b == '[' && s.held[len(s.held)-2] == '[' // ESC [ [ A is F1 there
	if b >= '@' && !linux {
		return s.release(s.held, out)
	}
	return out
}

func (s *scanner) string(b byte, out []byte) []byte {
	wasEscape := s.state == inStringEscape
	s.state = inString
	switch {
	case wasEscape && b != '\\': // a new sequence instead of the end
		s.state, s.held = escaped, append(s.held[:0], esc)
		return s.take(b, out)
	case wasEscape, b == bel:
		s.state, s.held, s.reply = typing, s.held[:0], s.said
	case b == esc:
		s.state = inStringEscape
	case b < ' ': // not part of a string: ESC was a key, and the rest was typed
		s.state, s.held = typing, s.held[:0]
		return append(out, b)
	case len(s.said) < maxSequence:
		s.said = append(s.said, b)
	}
	return out
}

// spell holds a character back until it is complete.
func (s *scanner) spell(b byte, out []byte) []byte {
	if len(s.held) > 0 && utf8.RuneStart(b) {
		out = s.release(s.held, out) // incomplete
		return s.take(b, out)
	}
	s.held = append(s.held, b)
	s.state = inRune
	if utf8.FullRune(s.held) {
		return s.release(s.held, out)
	}
	return out
}

// ambiguous reports whether the bytes held back are also a key if nothing follows.
func (s *scanner) ambiguous() bool {
	switch s.state {
	case escaped, single:
		return true
	case inString:
		return len(s.said) == len(s.held) // only the introducer
	case control:
		last := s.held[len(s.held)-1]
		return last == '[' || last == '$' // alt+[; with shift, keys of urxvt end in $
	case typing, inStringEscape, pasting, inRune:
	}
	return false
}

// flush ends a sequence after which nothing followed.
func (s *scanner) flush(out []byte) []byte { return s.release(s.held, out) }
