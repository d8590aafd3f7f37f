package chat

import (
	"strconv"
	"unicode/utf8"
)

// Bare reports whether c is content or reasoning with no field but its text, which is true
// of nearly all chunks.
func (c Chunk) Bare() bool {
	return (c.Type == ChunkContent || c.Type == ChunkReasoning) &&
		c.MessageID == "" && c.State == "" && c.FinishReason == "" && c.Usage == nil && c.Code == "" && !c.Retryable && c.Notices == nil &&
		c.CallID == "" && c.Name == "" && !c.IsError && c.DurationMS == 0 && c.ProviderData == nil
}

// appendJSON appends a bare chunk with exactly the bytes of encoding/json, in a quarter of
// the time.
func (c Chunk) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"chunk_index":`...)
	dst = strconv.AppendInt(dst, int64(c.Index), 10)
	dst = append(dst, `,"chunk_type":"`...)
	dst = append(dst, c.Type...)
	dst = append(dst, `","content":"`...)
	dst = appendJSONText(dst, c.Content)
	dst = append(dst, `","attempt":`...)
	dst = strconv.AppendInt(dst, int64(c.Attempt), 10)
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// appendJSONText appends s, escaped for a JSON string, without the quotes.
func appendJSONText(dst []byte, s string) []byte {
	from := 0 // the first byte that is not appended yet
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && size == 1:
				dst = append(append(dst, s[from:i]...), `\ufffd`...)
				from = i + size
			case r == '\u2028' || r == '\u2029': // line ends to JavaScript
				dst = append(append(dst, s[from:i]...), `\u202`...)
				dst = append(dst, hexDigits[r&0xf])
				from = i + size
			}
			i += size
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' && b != '<' && b != '>' && b != '&' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&0xf])
		}
		i++
		from = i
	}
	return append(dst, s[from:]...)
}
