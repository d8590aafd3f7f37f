package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// encodeJSON is v as JSON, the only way in which this program writes any. Lines
// after the first begin with prefix; indent "" puts all of it on one line. What
// could steer a terminal is escaped, which means the same to every reader.
func encodeJSON(v any, prefix, indent string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, indent)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return escapeControls(b.Bytes()), nil
}

// writeJSON writes v on several lines.
func writeJSON(w io.Writer, v any) error { return writeEncoded(w, v, "  ") }

// writeJSONLine writes v on one line.
func writeJSONLine(w io.Writer, v any) error { return writeEncoded(w, v, "") }

func writeEncoded(w io.Writer, v any, indent string) error {
	b, err := encodeJSON(v, "", indent)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// escapeControls escapes the characters above ASCII that a terminal may act on.
// In JSON they stand only inside strings; encoding/json escapes those below.
func escapeControls(text []byte) []byte {
	if !bytes.ContainsFunc(text, steers) {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if steers(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// steers reports whether a terminal may act on r: DEL, the C1 controls, the line
// and paragraph separators, and the controls of the writing direction.
func steers(r rune) bool {
	switch {
	case r < 0x7F:
		return false
	case r <= 0x9F, r == '\u2028', r == '\u2029':
		return true
	}
	return r <= 0xFFFF && unicode.Is(unicode.Bidi_Control, r)
}
