package main

import (
	"errors"
	"fmt"
)

// errTooLong says that a value had more bytes than are kept. It has been read to
// its end nevertheless.
var errTooLong = errors.New("too long")

// readByte reads a byte, and keeps count of the place.
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

// unreadByte takes back what readByte has returned.
func (a *archive) unreadByte(b byte) error {
	if b == '\n' {
		a.line, a.column = a.line-1, a.before
	} else {
		a.column--
	}
	return a.r.UnreadByte()
}

// peek is the next byte that is no white space, which stays unread.
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

// value reads one JSON value up to its end, and keeps at most limit bytes of it.
// It knows where a value ends, and leaves it to others whether it is one.
func (a *archive) value(limit int) ([]byte, error) {
	var kept []byte
	long := false
	keep := func(b byte) {
		if long = long || len(kept) >= limit; !long {
			kept = append(kept, b)
		}
	}
	first, err := a.peek()
	if err != nil {
		return nil, err
	}
	depth, quoted, escaped := 0, false, false
	for n := 0; ; n++ {
		b, err := a.readByte()
		if err != nil {
			return nil, err
		}
		scalar := first != '{' && first != '[' && first != '"'
		if scalar && (b == ',' || b == ']' || b == '}' || b == ':' || b <= ' ') {
			if n == 0 {
				return nil, fmt.Errorf("a value was expected, not %q", b)
			}
			return done(kept, long, a.unreadByte(b))
		}
		keep(b)
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = b == '\\', b != '"'
			if !quoted && depth == 0 {
				return done(kept, long, nil)
			}
		case b == '"':
			quoted = true
		case b == '{', b == '[':
			depth++
		case b == '}', b == ']':
			if depth--; depth == 0 {
				return done(kept, long, nil)
			}
		}
	}
}

func done(kept []byte, long bool, err error) ([]byte, error) {
	if err == nil && long {
		return nil, errTooLong
	}
	return kept, err
}
