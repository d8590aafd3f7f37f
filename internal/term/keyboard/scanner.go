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

// maxSequence is the length of a sequence that still may be a key, and of an
// answer that is looked at.
const maxSequence = 64

// The marks around what is pasted.
const (
	pasteBegin = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

type state int

const (
	typing   state = iota
	escaped        // behind ESC
	control        // in a control sequence, ESC [ …
	single         // behind ESC O
	saying         // in a string: ESC ] …, ESC P …, ESC _ …, ESC ^ …, ESC X …
	closing        // behind ESC in a string
	pasting        // between the marks of a paste, whatever is in there
	spelling       // in a character of several bytes
)

// scanner tells keys from what a terminal says. Keys pass as they are, each in one
// piece; strings are dropped, since no key is one.
type scanner struct {
	state  state
	held   []byte // a sequence or a character that has begun, or the end of what was pasted
	said   []byte // the beginning of a string
	answer []byte // a string that has ended
}

// take takes one byte, and appends what is typed for certain to out: never more
// than maxSequence bytes beyond those it was given.
func (s *scanner) take(b byte, out []byte) []byte {
	switch s.state {
	case escaped:
		return s.escape(b, out)
	case control:
		return s.control(b, out)
	case single:
		return s.release(append(s.held, b), out)
	case saying, closing:
		return s.string(b, out)
	case pasting:
		s.held = append(s.held[max(0, len(s.held)-len(pasteEnd)+1):], b)
		if bytes.Equal(s.held, []byte(pasteEnd)) {
			s.state, s.held = typing, s.held[:0]
		}
		return append(out, b)
	case spelling:
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

// release says that a key has come to its end.
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
		s.state, s.said = saying, append([]byte(nil), s.held...)
	case esc:
		if len(s.held) > 2 { // somebody leans on the key
			return s.release(s.held, out)
		}
	default:
		return s.release(s.held, out)
	}
	return out
}

func (s *scanner) control(b byte, out []byte) []byte {
	switch {
	case b < ' ' || b >= del: // that was no sequence
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
	wasClosing := s.state == closing
	s.state = saying
	switch {
	case wasClosing && b != '\\': // a new sequence instead of the end
		s.state, s.held = escaped, append(s.held[:0], esc)
		return s.take(b, out)
	case wasClosing, b == bel:
		s.state, s.held, s.answer = typing, s.held[:0], s.said
	case b == esc:
		s.state = closing
	case b < ' ': // no string has that: it was a key, and what follows was typed
		s.state, s.held = typing, s.held[:0]
		return append(out, b)
	case len(s.said) < maxSequence:
		s.said = append(s.said, b)
	}
	return out
}

// spell holds a character back until it is whole.
func (s *scanner) spell(b byte, out []byte) []byte {
	if len(s.held) > 0 && utf8.RuneStart(b) {
		out = s.release(s.held, out) // cut short
		return s.take(b, out)
	}
	s.held = append(s.held, b)
	s.state = spelling
	if utf8.FullRune(s.held) {
		return s.release(s.held, out)
	}
	return out
}

// ambiguous reports whether what is held back is a key, too, should nothing follow.
func (s *scanner) ambiguous() bool {
	switch s.state {
	case escaped, single:
		return true
	case saying:
		return len(s.said) == len(s.held) // nothing behind the introducer
	case control:
		last := s.held[len(s.held)-1]
		return last == '[' || last == '$' // alt+[; with shift, keys of urxvt end in $
	case typing, closing, pasting, spelling:
	}
	return false
}

// flush says that nothing followed.
func (s *scanner) flush(out []byte) []byte { return s.release(s.held, out) }
