package entry

import (
	"strings"
	"unicode/utf8"

	"chat"
)

// scanEntry parses an entry with text exactly as Writer encodes it:
//
//	{"chunk_index":17,"chunk_type":"content","content":"Hel","attempt":1}
//
// It decodes nothing, so that an entry can be passed on unchanged. It returns false for
// any other entry, which is left to encoding/json.
func scanEntry(raw string) (c chat.EncodedChunk, ok bool) {
	s := scanner{rest: raw, ok: true}
	s.literal(`{"chunk_index":`)
	c.Index = s.number()
	s.literal(`,"chunk_type":"`)
	switch {
	case s.prefix(`content"`):
		c.Type = chat.ChunkContent
	case s.prefix(`reasoning"`):
		c.Type = chat.ChunkReasoning
	default:
		return c, false
	}
	s.literal(`,"content":"`)
	s.text()
	s.literal(`,"attempt":`)
	c.Attempt = s.number()
	s.literal(`}`)
	c.JSON = raw
	return c, s.ok && s.rest == "" && c.Attempt >= 1
}

// scanner consumes one part after the other; ok is false once a part was missing.
type scanner struct {
	rest string
	ok   bool
}

func (s *scanner) prefix(p string) bool {
	rest, found := strings.CutPrefix(s.rest, p)
	s.rest = rest
	return found
}

func (s *scanner) literal(p string) { s.ok = s.prefix(p) && s.ok }

// number consumes a decimal of at most nine digits without a leading zero.
func (s *scanner) number() (n int) {
	i := 0
	for ; i < len(s.rest) && i < 10 && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		n = n*10 + int(s.rest[i]-'0')
	}
	s.ok = s.ok && i > 0 && i < 10 && (i == 1 || s.rest[0] != '0')
	s.rest = s.rest[i:]
	return n
}

// text consumes the rest of a JSON string and its closing quote.
func (s *scanner) text() {
	for i := 0; i < len(s.rest); i++ {
		switch b := s.rest[i]; {
		case b == '"':
			s.ok = s.ok && utf8.ValidString(s.rest[:i])
			s.rest = s.rest[i+1:]
			return
		case b < ' ':
			s.ok = false
			return
		case b == '\\':
			i++
			if i == len(s.rest) {
				break
			}
			if s.rest[i] == 'u' {
				if len(s.rest) < i+5 || strings.Trim(s.rest[i+1:i+5], "0123456789abcdefABCDEF") != "" {
					s.ok = false
					return
				}
				i += 4
			} else if strings.IndexByte(`"\/bfnrt`, s.rest[i]) < 0 {
				s.ok = false
				return
			}
		}
	}
	s.ok = false
}
