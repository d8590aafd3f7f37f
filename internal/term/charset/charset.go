// Package charset decodes text files of other programs: it converts UTF-16 and
// UTF-32 to UTF-8. For every other encoding its error names the probable encoding
// and the command that converts it. It never guesses silently.
package charset

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// Encoding is a Unicode encoding.
type Encoding int

// The encodings that are decoded.
const (
	UTF8 Encoding = iota
	UTF16LE
	UTF16BE
	UTF32LE
	UTF32BE
)

// unit is the number of bytes of a code unit.
func (e Encoding) unit() int {
	switch e {
	case UTF16LE, UTF16BE:
		return 2
	case UTF32LE, UTF32BE:
		return 4
	case UTF8:
	}
	return 1
}

func (e Encoding) order() binary.ByteOrder {
	if e == UTF16BE || e == UTF32BE {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

func (e Encoding) String() string {
	return [...]string{"UTF-8", "UTF-16", "UTF-16", "UTF-32", "UTF-32"}[e]
}

// marks are the byte order marks. The mark of UTF-32LE begins with that of
// UTF-16LE.
var marks = []struct { //nolint:gochecknoglobals // a constant in all but type
	mark string
	is   Encoding
}{
	{"\xEF\xBB\xBF", UTF8}, {"\xFF\xFE\x00\x00", UTF32LE}, {"\x00\x00\xFE\xFF", UTF32BE}, {"\xFF\xFE", UTF16LE}, {"\xFE\xFF", UTF16BE},
}

// Sniff returns the encoding of a text that begins with head, and the length of its
// byte order mark. Without a mark it reports UTF-16 or UTF-32 only if that is
// certain.
func Sniff(head []byte) (e Encoding, mark int) {
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.mark)) {
			return m.is, len(m.mark)
		}
	}
	if bytes.IndexByte(head, 0) < 0 {
		return UTF8, 0
	}
	best, most := UTF8, 0
	for _, e := range []Encoding{UTF32LE, UTF32BE, UTF16LE, UTF16BE} {
		whole := len(head) / e.unit() * e.unit()
		if whole < len(head) && len(head) < sniffed {
			continue // it would end in the middle of a character
		}
		text, err := decodeUnits(head[:whole], e, true)
		if err != nil || !plausible(text) || e.unit() == 2 && twiceASCII(head[:whole]) {
			continue
		}
		if n := asciiIn(text); n > most {
			best, most = e, n
		}
	}
	return best, 0
}

// twiceASCII reports whether most pairs of bytes are two ASCII letters, as in a
// text of single bytes.
func twiceASCII(data []byte) bool {
	n, of := 0, 0
	for i := 0; i+1 < len(data); i += 2 {
		if a, b := data[i], data[i+1]; a != 0 && b != 0 {
			of++
			if in(a, span{' ', '~'}) && in(b, span{' ', '~'}) {
				n++
			}
		}
	}
	return of > 2 && n*5 > of*3
}

// asciiIn counts the characters that texts in all languages contain: spaces, line
// ends, digits, Latin letters.
func asciiIn(text string) (n int) {
	for _, r := range text {
		if r < utf8.RuneSelf {
			n++
		}
	}
	return n
}

// Decode returns data as UTF-8, without a byte order mark. Its error is a
// *DecodeError.
func Decode(data []byte) (string, error) {
	if kind, hint := KindOf(data); kind != "" && bytes.IndexByte(data, 0) >= 0 {
		return "", &DecodeError{Kind: kind, Hint: hint}
	}
	e, mark := Sniff(data[:min(len(data), 16*sniffed)])
	data = data[mark:]
	if e == UTF8 {
		if p := problemIn(data); p != nil {
			return "", p
		}
		return string(data), nil
	}
	return decodeUnits(data, e, false)
}
