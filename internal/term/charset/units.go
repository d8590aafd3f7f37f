package charset

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// decodeUnits decodes UTF-16 or UTF-32. If cut is set, data may end inside a
// character.
func decodeUnits(data []byte, e Encoding, cut bool) (string, error) {
	var b strings.Builder
	b.Grow(len(data))
	for at := 0; at < len(data); {
		r, size := rune1(data[at:], e)
		switch {
		case size == 0 && cut:
			return b.String(), nil
		case size == 0:
			return "", &DecodeError{Encoding: e.String(), Broken: true, At: at}
		case r < 0 || r == 0:
			return "", &DecodeError{Encoding: e.String(), Broken: true, At: at, NUL: r == 0}
		}
		b.WriteRune(r)
		at += size
	}
	return b.String(), nil
}

// rune1 returns the first character and its size: -1 if it is invalid, and size 0
// if it is incomplete.
func rune1(data []byte, e Encoding) (r rune, size int) {
	n := e.unit()
	if len(data) < n {
		return -1, 0
	}
	if n == 4 {
		v := e.order().Uint32(data)
		if v > unicode.MaxRune || utf16.IsSurrogate(rune(v)) {
			return -1, 4
		}
		return rune(v), 4
	}
	first := rune(e.order().Uint16(data))
	if !utf16.IsSurrogate(first) {
		return first, 2
	}
	if first >= 0xDC00 {
		return -1, 2
	}
	if len(data) < 4 {
		return -1, 0
	}
	pair := utf16.DecodeRune(first, rune(e.order().Uint16(data[2:])))
	if pair == unicode.ReplacementChar {
		return -1, 2
	}
	return pair, 4
}

// plausible reports whether a text consists of characters that people write.
func plausible(text string) bool {
	for _, r := range text {
		if !unicode.IsGraphic(r) && !strings.ContainsRune("\t\n\r\f\x1b\uFEFF\u200d\u200c\u200e\u200f", r) || unicode.Is(unicode.Co, r) {
			return false
		}
	}
	return text != ""
}

// sniffed is the length of the beginning of a stream that determines its encoding.
const sniffed = 4 << 10

// NewReader returns a reader that converts a stream to UTF-8, without a byte order
// mark, from any encoding that Decode knows. It passes the bytes of UTF-8 on
// unchecked.
func NewReader(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	e, mark := Sniff(head)
	if _, err := in.Discard(mark); err != nil {
		return nil, err
	}
	if e == UTF8 {
		return in, nil
	}
	return &unitReader{in: in, e: e, at: mark}, nil
}

// unitReader decodes a stream of UTF-16 or UTF-32.
type unitReader struct {
	in   *bufio.Reader
	e    Encoding
	at   int
	rest []byte // decoded but not read yet
}

func (u *unitReader) Read(b []byte) (int, error) {
	const most = 4 // bytes of a character, in each of the encodings
	for len(u.rest) < len(b) && len(u.rest) < sniffed {
		data, err := u.in.Peek(most)
		if err != nil && (!errors.Is(err, io.EOF) || len(data) == 0) {
			if len(u.rest) > 0 {
				break
			}
			return 0, err
		}
		r, size := rune1(data, u.e)
		if size == 0 || r < 0 {
			return 0, &DecodeError{Encoding: u.e.String(), Broken: true, At: u.at}
		}
		u.rest = utf8.AppendRune(u.rest, r)
		u.at += size
		if _, err := u.in.Discard(size); err != nil {
			return 0, err
		}
	}
	n := copy(b, u.rest)
	u.rest = append(u.rest[:0], u.rest[n:]...)
	return n, nil
}
