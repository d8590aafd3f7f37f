package charset

import "bytes"

// guess returns the probable encoding of a text that is not UTF-8. East Asian
// encodings write characters as pairs of bytes, most of them adjacent; in European
// encodings single bytes occur among ASCII letters.
func guess(data []byte) *DecodeError {
	for _, g := range []struct {
		is    func([]byte) bool
		name  string
		iconv string
	}{
		{isShiftJIS, "Shift_JIS", "shift_jis"},
		{isEUCJP, "EUC-JP", "euc-jp"},
		{isEUCKR, "EUC-KR", "euc-kr"},
		{isGBK, "GBK", "gb18030"},
		{isBig5, "Big5", "big5"},
		{isKOI8, "KOI8-R", "koi8-r"},
		{isCyrillic, "Windows-1251", "windows-1251"},
		{is1252, "Windows-1252", "windows-1252"},
		{isLatin1, "Latin-1", "latin1"},
	} {
		if g.is(data) {
			return &DecodeError{Encoding: g.name, Iconv: g.iconv}
		}
	}
	return &DecodeError{}
}

// pairs are statistics about an encoding with pairs of bytes.
type pairs struct {
	n        int // pairs
	adjacent int // pairs that follow another pair immediately
	typical  int // pairs of the most frequent characters
}

// asian reports whether the pairs look like a text: they are adjacent.
func (p pairs) asian() bool { return p.n >= 2 && p.adjacent*5 >= p.n*2 }

type span struct{ from, to byte }

func in(b byte, spans ...span) bool {
	for _, s := range spans {
		if b >= s.from && b <= s.to {
			return true
		}
	}
	return false
}

// count counts pairs in data: lead bytes are in pairs, trail bytes in seconds, and
// single bytes in single. ok is false if data contains anything else.
func count(data []byte, firsts, seconds, single []span, typical func(a, b byte) bool) (p pairs, ok bool) {
	before := -1
	for i := 0; i < len(data); i++ {
		b := data[i]
		switch {
		case b < 0x80 || in(b, single...):
		case i+1 < len(data) && in(b, firsts...) && in(data[i+1], seconds...):
			p.n++
			if before == i {
				p.adjacent++
			}
			if typical(b, data[i+1]) {
				p.typical++
			}
			i++
			before = i + 1
		default:
			return p, false
		}
	}
	return p, true
}

func isShiftJIS(data []byte) bool {
	p, ok := count(data, []span{{0x81, 0x9F}, {0xE0, 0xFC}}, []span{{0x40, 0x7E}, {0x80, 0xFC}}, []span{{0xA1, 0xDF}},
		func(a, _ byte) bool { return a <= 0x9F })
	return ok && p.asian() && p.typical*2 > p.n
}

func isEUCJP(data []byte) bool {
	kana := func(a, _ byte) bool { return a == 0xA4 || a == 0xA5 }
	p, ok := count(data, []span{{0xA1, 0xA8}, {0xB0, 0xFE}, {0x8E, 0x8E}}, []span{{0xA1, 0xFE}}, []span{{0x8F, 0x8F}}, kana)
	return ok && p.asian() && p.typical*5 >= p.n
}

func isEUCKR(data []byte) bool {
	hangul := func(a, _ byte) bool { return in(a, span{0xA1, 0xA3}, span{0xB0, 0xC8}) }
	p, ok := count(data, []span{{0xA1, 0xFE}}, []span{{0xA1, 0xFE}}, nil, hangul)
	spaced := bytes.IndexByte(bytes.TrimSpace(data), ' ') >= 0
	return ok && p.asian() && p.typical*20 >= p.n*19 && (spaced && p.n >= 4 || p.n >= 12)
}

func isBig5(data []byte) bool {
	common := func(a, _ byte) bool { return a <= 0xC6 }
	p, ok := count(data, []span{{0xA1, 0xF9}}, []span{{0x40, 0x7E}, {0xA1, 0xFE}}, nil, common)
	return ok && p.asian() && p.typical*4 >= p.n*3
}

func isGBK(data []byte) bool {
	common := func(a, b byte) bool { return in(a, span{0xA1, 0xA3}, span{0xB0, 0xF7}) && b >= 0xA1 }
	p, ok := count(data, []span{{0x81, 0xFE}}, []span{{0x30, 0x39}, {0x40, 0x7E}, {0x80, 0xFE}}, nil, common)
	return ok && p.asian() && p.typical*4 >= p.n*3
}

// letters are statistics about a text in a single-byte encoding.
type letters struct {
	ascii, high  int
	c1           int // bytes from 0x80 to 0x9F
	lower, upper int // bytes from 0xE0, and from 0xC0 to 0xDF
	runs         int // of high bytes
}

func lettersIn(data []byte) (l letters) {
	before := byte(0)
	for _, b := range data {
		switch {
		case b >= 0x80:
			l.high++
			if before < 0x80 {
				l.runs++
			}
			switch {
			case b < 0xA0:
				l.c1++
			case b >= 0xE0:
				l.lower++
			case b >= 0xC0:
				l.upper++
			}
		case b|0x20 >= 'a' && b|0x20 <= 'z':
			l.ascii++
		}
		before = b
	}
	return l
}

// words reports whether whole words consist of high bytes, as in Cyrillic.
func (l letters) words() bool { return l.high >= 3*l.runs && (l.lower+l.upper)*4 >= l.high*3 }

func isKOI8(data []byte) bool { l := lettersIn(data); return l.words() && l.upper > l.lower }

func isCyrillic(data []byte) bool { l := lettersIn(data); return l.words() }

func is1252(data []byte) bool {
	l := lettersIn(data)
	return l.c1 > 0 && !hasAny(data, 0x81, 0x8D, 0x8F, 0x90, 0x9D)
}

func isLatin1(data []byte) bool { l := lettersIn(data); return l.c1 == 0 }

func hasAny(data []byte, list ...byte) bool {
	for _, b := range list {
		if bytes.IndexByte(data, b) >= 0 {
			return true
		}
	}
	return false
}
