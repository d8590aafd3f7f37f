package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// EncodeJSON returns v as JSON. The program writes all its JSON this way. Lines after
// the first begin with prefix; an empty indent puts everything on one line. Characters
// that control a terminal are escaped, which JSON readers decode.
func EncodeJSON(v any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return escapeControls(b.Bytes()), nil
}

// WriteJSON writes v on several lines.
func WriteJSON(w io.Writer, v any) error { return writeEncoded(w, v, "  ") }

// WriteJSONLine writes v on one line.
func WriteJSONLine(w io.Writer, v any) error { return writeEncoded(w, v, "") }

func writeEncoded(w io.Writer, v any, indent string) error {
	b, err := EncodeJSON(v, "", indent)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// escapeControls escapes the characters above ASCII that control a terminal. In JSON
// they occur only inside strings. encoding/json escapes those in ASCII.
func escapeControls(text []byte) []byte {
	if !bytes.ContainsFunc(text, controlsTerminal) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if controlsTerminal(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// controlsTerminal reports whether r may control a terminal: DEL, the C1 controls, the line
// and paragraph separators, and the bidirectional controls.
func controlsTerminal(r rune) bool {
	switch {
	case r < 0x7F:
		return false
	case r <= 0x9F, r == '\u2028', r == '\u2029':
		return true
	}
	return r <= 0xFFFF && unicode.Is(unicode.Bidi_Control, r)
}
