package transfer

import (
	"bytes"
	"errors"
	"fmt"
)

// errTooLong is the error of a value that exceeds the limit. The value has been read to
// its end.
var errTooLong = errors.New("too long")

// readByte reads a byte and updates the position.
func (a *archive) readByte() (byte, error) {
	b, err := a.r.ReadByte()
	if err != nil {
		return 0, err
	}
	if b == '\n' {
		a.line, a.before, a.column = a.line+1, a.column, 0
	} else {
		a.column++
	}
	return b, nil
}

// unreadByte unreads the last byte of readByte.
func (a *archive) unreadByte(b byte) error {
	if b == '\n' {
		a.line, a.column = a.line-1, a.before
	} else {
		a.column--
	}
	return a.r.UnreadByte()
}

// peek skips white space and returns the next byte without reading it.
func (a *archive) peek() (byte, error) {
	for {
		b, err := a.readByte()
		if err != nil {
			return 0, err
		}
		switch b {
		case ' ', '\t', '\r', '\n', 0xEF, 0xBB, 0xBF: // the last three are a byte order mark
			continue
		}
		return b, a.unreadByte(b)
	}
}

// value reads one JSON value to its end and keeps at most limit bytes. It finds the end
// of the value, but does not check its syntax.
func (a *archive) value(limit int) ([]byte, error) {
	first, err := a.peek()
	if err != nil {
		return nil, err
	}
	if first == ',' || first == ']' || first == '}' || first == ':' {
		return nil, fmt.Errorf("expected a value, found %q", first)
	}
	var kept []byte
	long := false
	s := valueScan{scalar: first != '{' && first != '[' && first != '"'}
	for ended := false; !ended; {
		if _, err := a.r.Peek(1); err != nil {
			return nil, err
		}
		chunk, err := a.r.Peek(a.r.Buffered())
		if err != nil {
			return nil, err
		}
		n, over := s.scan(chunk)
		ended = over
		if long = long || len(kept)+n > limit; !long {
			kept = append(kept, chunk[:n]...)
		}
		if err := a.advance(chunk[:n]); err != nil {
			return nil, err
		}
	}
	if long {
		return nil, errTooLong
	}
	return kept, nil
}

// advance discards seen bytes and updates the position.
func (a *archive) advance(seen []byte) error {
	_, err := a.r.Discard(len(seen))
	if at := bytes.LastIndexByte(seen, '\n'); at >= 0 {
		a.line += bytes.Count(seen, []byte("\n"))
		a.column = len(seen) - at - 1
	} else {
		a.column += len(seen)
	}
	return err
}

// valueScan finds the end of a value that is read in pieces.
type valueScan struct {
	scalar  bool // a number or a literal, which ends before a delimiter
	depth   int
	quoted  bool
	escaped bool
}

// scan returns how many bytes of a piece belong to the value, and whether it ends.
func (s *valueScan) scan(piece []byte) (n int, ended bool) {
	for i, b := range piece {
		switch {
		case s.scalar:
			if b == ',' || b == ']' || b == '}' || b == ':' || b <= ' ' {
				return i, true
			}
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped, s.quoted = b == '\\', b != '"'
			if !s.quoted && s.depth == 0 {
				return i + 1, true
			}
		case b == '"':
			s.quoted = true
		case b == '{', b == '[':
			s.depth++
		case b == '}', b == ']':
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(piece), false
}
