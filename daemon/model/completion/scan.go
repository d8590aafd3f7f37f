package completion

import (
	"bytes"
	"strconv"
)

// scan reads the common form of a frame in one pass, without encoding/json, which takes
// ten times as long. It returns false for every other form, and for failures, which
// encoding/json then reads. FuzzFrame checks that both agree.
func (f *Frame) scan(data []byte) bool {
	s := scanner{rest: data}
	seen := 0
	ok := s.object(func(key []byte) bool {
		switch string(key) {
		case "model":
			return s.once(&seen, 1) && s.text(&f.Model, &f.named)
		case "choices":
			return s.once(&seen, 2) && s.choices(f)
		case "usage":
			return s.once(&seen, 4) && s.literal("null")
		case "error":
			return false
		case "x_groq":
			return s.literal("null")
		}
		return s.skip(0)
	})
	return ok && s.space() && len(s.rest) == 0
}

// scanner reads one part of a JSON text after the other. Each method reports whether the
// part was there; after false the scanner is of no more use.
type scanner struct{ rest []byte }

// once records that a key was seen; a repeated key is left to encoding/json.
func (*scanner) once(seen *int, bit int) bool {
	again := *seen&bit != 0
	*seen |= bit
	return !again
}

func (s *scanner) space() bool {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\t' || s.rest[0] == '\r' || s.rest[0] == '\n') {
		s.rest = s.rest[1:]
	}
	return true
}

// byte reads one byte, and the space before it.
func (s *scanner) byte(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) literal(l string) bool {
	s.space()
	if len(s.rest) < len(l) || string(s.rest[:len(l)]) != l {
		return false
	}
	s.rest = s.rest[len(l):]
	return true
}

// object reads an object; value reads the value of each key. Keys with other letters are
// left to encoding/json, which ignores case.
func (s *scanner) object(value func(key []byte) bool) bool {
	if !s.byte('{') {
		return false
	}
	if s.byte('}') {
		return true
	}
	for {
		raw, ok := s.string()
		if !ok || !s.byte(':') {
			return false
		}
		key := raw[1 : len(raw)-1]
		for _, c := range key {
			if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
				return false
			}
		}
		if !value(key) {
			return false
		}
		if !s.byte(',') {
			return s.byte('}')
		}
	}
}

// string reads a string, with its quotes.
func (s *scanner) string() ([]byte, bool) {
	s.space()
	b := s.rest
	if len(b) == 0 || b[0] != '"' {
		return nil, false
	}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			s.rest = b[i+1:]
			return b[:i+1], true
		case c < ' ':
			return nil, false
		case c == '\\':
			i++
			if i == len(b) || bytes.IndexByte([]byte(`"\/bfnrtu`), b[i]) < 0 {
				return nil, false
			}
			if b[i] == 'u' {
				for range 4 {
					if i++; i == len(b) || !isHex(b[i]) {
						return nil, false
					}
				}
			}
		}
	}
	return nil, false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// text reads a string or null. A string equal to last is not allocated again.
func (s *scanner) text(t, last *Text) bool {
	if s.literal("null") {
		*t = ""
		return true
	}
	raw, ok := s.string()
	if !ok {
		return false
	}
	if last == nil {
		*t = Text(unquote(raw))
		return true
	}
	if string(raw[1:len(raw)-1]) != string(*last) || bytes.IndexByte(raw, '\\') >= 0 {
		*last = Text(unquote(raw))
	}
	*t = *last
	return true
}

// choices reads an array of at most one choice.
func (s *scanner) choices(f *Frame) bool {
	if !s.byte('[') {
		return false
	}
	if s.byte(']') {
		return true
	}
	var c Choice
	seen := 0
	ok := s.object(func(key []byte) bool {
		switch string(key) {
		case "index":
			return s.once(&seen, 1) && s.index(&c.Index)
		case "delta":
			return s.once(&seen, 2) && s.delta(&c.Delta)
		case "finish_reason":
			return s.once(&seen, 4) && s.text(&c.Reason, nil)
		case "usage":
			return s.once(&seen, 8) && s.literal("null")
		case "message", "error":
			return false
		}
		return s.skip(0)
	})
	if !ok {
		return false
	}
	f.Choices = append(f.Choices, c)
	return s.byte(']')
}

// nothing reads one of the empty values.
func (s *scanner) nothing() bool {
	return s.literal("null") || s.literal("[]") || s.literal(`""`) || s.literal("{}")
}

func (s *scanner) delta(d *Delta) bool {
	seen := 0
	return s.object(func(key []byte) bool {
		switch string(key) {
		case "content":
			return s.once(&seen, 1) && s.text(&d.Content, nil)
		case "refusal":
			return s.once(&seen, 2) && s.text(&d.Refusal, nil)
		case "reasoning":
			return s.once(&seen, 4) && s.text(&d.Reasoning, nil)
		case "reasoning_content":
			return s.once(&seen, 8) && s.text(&d.ReasoningContent, nil)
		case "images", "image", "audio", "tool_calls", "function_call", "extra_content":
			return s.nothing()
		}
		if isOtherReasoning(key) && d.Reasoning == "" && d.ReasoningContent == "" {
			return s.nothing()
		}
		return s.skip(0)
	})
}

// digits reads a run of digits, which may be empty.
func (s *scanner) digits() []byte {
	n := 0
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	taken := s.rest[:n]
	s.rest = s.rest[n:]
	return taken
}

// index reads a small number.
func (s *scanner) index(n *int) bool {
	s.space()
	d := s.digits()
	if len(d) == 0 || len(d) > 9 || d[0] == '0' && len(d) > 1 || len(s.rest) == 0 || bytes.IndexByte([]byte(".eE"), s.rest[0]) >= 0 {
		return false
	}
	var err error
	*n, err = strconv.Atoi(string(d))
	return err == nil
}

// maxSkipped bounds the nesting of a skipped value.
const maxSkipped = 8

// skip reads a value that is not needed.
func (s *scanner) skip(depth int) bool {
	s.space()
	if len(s.rest) == 0 || depth > maxSkipped {
		return false
	}
	switch c := s.rest[0]; {
	case c == '"':
		_, ok := s.string()
		return ok
	case c == 'n':
		return s.literal("null")
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == '{':
		return s.object(func([]byte) bool { return s.skip(depth + 1) })
	case c == '[':
		s.rest = s.rest[1:]
		if s.byte(']') {
			return true
		}
		for s.skip(depth + 1) {
			if !s.byte(',') {
				return s.byte(']')
			}
		}
		return false
	case c >= '0' && c <= '9':
		return s.number()
	}
	return false
}

// number reads a number that is not negative and has no exponent; others are rare.
func (s *scanner) number() bool {
	if d := s.digits(); d[0] == '0' && len(d) > 1 {
		return false
	}
	if len(s.rest) > 0 && s.rest[0] == '.' {
		s.rest = s.rest[1:]
		if len(s.digits()) == 0 {
			return false
		}
	}
	return len(s.rest) > 0 && s.rest[0] != 'e' && s.rest[0] != 'E'
}
