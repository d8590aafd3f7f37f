package completion

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"chat"
)

// Frame is the part of a chat completion chunk, or of a whole completion, that an answer
// needs. Everything else is ignored.
type Frame struct {
	Model   Text            `json:"model"`
	Choices []Choice        `json:"choices"`
	Usage   *Usage          `json:"usage"`
	Groq    groq            `json:"x_groq"`
	Error   json.RawMessage `json:"error"`

	named Text // the last Model that was scanned
}

// groq is what Groq adds to its last chunk.
type groq struct {
	Usage *Usage `json:"usage"`
}

// UnmarshalJSON reads an object. Anything else has no usage.
func (g *groq) UnmarshalJSON(b []byte) error {
	var v struct {
		Usage *Usage `json:"usage"`
	}
	if json.Unmarshal(b, &v) != nil {
		v.Usage = nil
	}
	g.Usage = v.Usage
	return nil
}

// Tokens returns the usage in f, wherever it is; nil if there is none.
func (f *Frame) Tokens() *chat.Usage {
	usages := []*Usage{f.Usage, f.Groq.Usage}
	for i := range f.Choices {
		usages = append(usages, f.Choices[i].Usage)
	}
	for _, u := range usages {
		if u != nil && u.Usage != nil {
			return u.Usage
		}
	}
	return nil
}

type Choice struct {
	Index   int             `json:"index"`
	Delta   Delta           `json:"delta"`
	Message Delta           `json:"message"` // of a whole completion
	Reason  Text            `json:"finish_reason"`
	Usage   *Usage          `json:"usage"` // Moonshot
	Error   json.RawMessage `json:"error"`
}

// Decode replaces f by the content of data. It reuses f's memory: a long answer is a
// hundred thousand frames.
func (f *Frame) Decode(data []byte) error {
	used := f.Choices[:cap(f.Choices)]
	*f = Frame{Choices: used[:0], named: f.named}
	if f.scan(data) {
		return nil
	}
	clear(used) // encoding/json would decode into the old values
	*f = Frame{Choices: used[:0], named: f.named}
	return json.Unmarshal(data, f)
}

// Text is a string, byte for byte: encoding/json would replace the halves of a
// character that was split between two deltas. null, and values that are no
// Text, are empty.
type Text string

func (t *Text) UnmarshalJSON(b []byte) error {
	*t = ""
	if len(b) > 0 && b[0] == '"' {
		*t = Text(unquote(b))
	}
	return nil
}

// unquote decodes a JSON string that the scanner has accepted. Bytes that are not UTF-8
// stay as they are. A lone surrogate becomes the three bytes that UTF-8 would use for it,
// so that it can be joined with its other half.
func unquote(b []byte) string {
	b = b[1 : len(b)-1]
	i := bytes.IndexByte(b, '\\')
	if i < 0 {
		return string(b)
	}
	out := make([]byte, 0, len(b))
	for i >= 0 && i+1 < len(b) {
		out = append(out, b[:i]...)
		c := b[i+1]
		b = b[i+2:]
		switch c {
		case 'u':
			r := hex4(b)
			b = b[min(4, len(b)):]
			if utf16.IsSurrogate(r) && len(b) >= 6 && b[0] == '\\' && b[1] == 'u' {
				if both := utf16.DecodeRune(r, hex4(b[2:])); both != utf8.RuneError {
					r, b = both, b[6:]
				}
			}
			out = appendRune(out, r)
		default:
			out = append(out, escapes[c])
		}
		i = bytes.IndexByte(b, '\\')
	}
	return string(append(out, b...))
}

var escapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'} //nolint:gochecknoglobals // a constant in all but type

func hex4(b []byte) rune {
	n, err := strconv.ParseUint(string(b[:min(4, len(b))]), 16, 16)
	if err != nil {
		return utf8.RuneError // cannot happen after the scanner
	}
	return rune(n)
}

// appendRune is utf8.AppendRune that accepts surrogates.
func appendRune(out []byte, r rune) []byte {
	if utf16.IsSurrogate(r) {
		return append(out, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(out, r)
}
