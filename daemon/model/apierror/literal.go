package apierror

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting bounds the depth of values inside values.
const maxNesting = 24

// literal reads the value at the beginning of s, in JSON or as Python prints it
// ({'error': None}): gateways put either into their sentences. Objects become
// map[string]any, lists []any. A value that is cut off is read as far as it goes. ok is
// false if s does not begin with an object or a list.
func literal(s string) (v any, ok bool) {
	if s == "" || s[0] != '{' && s[0] != '[' {
		return nil, false
	}
	r := &literalReader{s: s}
	v = r.value(0)
	return v, !r.bad
}

type literalReader struct {
	s   string
	at  int
	bad bool
}

// peek returns the next byte that is not white space, 0 at the end.
func (r *literalReader) peek() byte {
	for r.at < len(r.s) {
		switch c := r.s[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
	return 0
}

func (r *literalReader) value(depth int) any {
	if depth > maxNesting {
		r.bad = true
	}
	if r.bad {
		return nil
	}
	switch c := r.peek(); c {
	case 0:
		return nil
	case '{':
		return r.object(depth)
	case '[':
		return r.list(']', depth)
	case '(':
		return r.list(')', depth)
	case '"', '\'':
		return r.text(c)
	default:
		return r.word()
	}
}

func (r *literalReader) object(depth int) map[string]any {
	out := map[string]any{}
	r.at++
	for !r.bad {
		switch c := r.peek(); c {
		case 0:
			return out
		case '}':
			r.at++
			return out
		case ',':
			r.at++
		case '"', '\'':
			name := r.text(c)
			switch r.peek() {
			case 0:
				return out
			case ':':
				r.at++
				out[name] = r.value(depth + 1)
			default:
				r.bad = true
			}
		default:
			r.bad = true
		}
	}
	return out
}

func (r *literalReader) list(end byte, depth int) []any {
	out := []any{}
	r.at++
	for !r.bad {
		switch r.peek() {
		case 0:
			return out
		case end:
			r.at++
			return out
		case ',':
			r.at++
		default:
			out = append(out, r.value(depth+1))
		}
	}
	return out
}

// word reads a number, or a name that JSON or Python has for a value. Any other bare word
// is an error (Python prints <Enum.X: 1> and b'…').
func (r *literalReader) word() any {
	begin := r.at
	for r.at < len(r.s) && !strings.ContainsRune(",:]}) \t\r\n\"'", rune(r.s[r.at])) {
		r.at++
	}
	w := r.s[begin:r.at]
	if n, err := strconv.ParseFloat(w, 64); err == nil {
		return n
	}
	switch w {
	case "true", "True":
		return true
	case "false", "False":
		return false
	case "null", "None":
		return nil
	case "b", "u", "r": // a prefix of Python's strings
		if c := r.peek(); c == '"' || c == '\'' {
			return r.text(c)
		}
	}
	r.bad = true
	return nil
}

// text reads a quoted string, with the escapes of both languages.
func (r *literalReader) text(quote byte) string {
	r.at++
	var b strings.Builder
	for r.at < len(r.s) {
		c := r.s[r.at]
		r.at++
		switch c {
		case quote:
			return b.String()
		case '\\':
			r.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (r *literalReader) escape(b *strings.Builder) {
	if r.at >= len(r.s) {
		return
	}
	c := r.s[r.at]
	r.at++
	switch c {
	case 'n', 'r', 't', 'b', 'f':
		b.WriteByte(' ')
	case 'x':
		b.WriteRune(r.hex(2))
	case 'u':
		first := r.hex(4)
		if utf16.IsSurrogate(first) && strings.HasPrefix(r.s[r.at:], `\u`) {
			r.at += 2
			first = utf16.DecodeRune(first, r.hex(4))
		}
		b.WriteRune(first)
	case 'U':
		b.WriteRune(r.hex(8))
	default:
		b.WriteByte(c)
	}
}

func (r *literalReader) hex(digits int) rune {
	end := min(r.at+digits, len(r.s))
	n, err := strconv.ParseUint(r.s[r.at:end], 16, 32)
	r.at = end
	if err != nil || n > utf8.MaxRune {
		return utf8.RuneError
	}
	return rune(n)
}
