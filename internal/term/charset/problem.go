package charset

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// DecodeError reports why bytes cannot be decoded as text.
type DecodeError struct {
	Encoding string // the probable encoding, "" if unknown
	Iconv    string // the encoding's name for iconv, "" if there is nothing to convert
	Kind     string // the kind of a binary file: "a PDF", "binary"
	Hint     string // advice for such a file
	Broken   bool   // the encoding is known, but the bytes at At are invalid or incomplete
	NUL      bool   // the byte there is NUL
	At       int    // from 0
	Line     int    // of At, from 1; 0 if there are no lines
}

func (p *DecodeError) Error() string { return p.Sentence("it", "") }

// Sentence describes the problem with a file and its solution. name is what the
// file is called, path its path for a command, "" for none.
func (p *DecodeError) Sentence(name, path string) string {
	if path != "" {
		path = " " + shellQuoted(path)
	}
	switch {
	case p.Kind != "" && p.Hint != "":
		return fmt.Sprintf("%s is not a text, but %s: %s", name, p.Kind, strings.ReplaceAll(p.Hint, "FILE", strings.TrimSpace(path)))
	case p.Kind != "":
		return fmt.Sprintf("%s is not a text, but %s", name, p.Kind)
	case p.Broken && p.NUL:
		return fmt.Sprintf("%s is not a text in %s: byte %d is NUL", name, p.Encoding, p.At+1)
	case p.Broken && p.Line > 0:
		return fmt.Sprintf("%s is not a text in UTF-8: byte %d, in line %d, is invalid; to remove the invalid bytes: iconv -c -f utf8 -t utf8%s", name, p.At+1, p.Line, path)
	case p.Broken:
		return fmt.Sprintf("%s is not a text in %s: byte %d is invalid, or the end is missing", name, p.Encoding, p.At+1)
	case p.Iconv != "":
		return fmt.Sprintf("%s is not a text in UTF-8, and seems to be %s: convert it with iconv -f %s -t utf8%s", name, p.Encoding, p.Iconv, path)
	}
	return fmt.Sprintf("%s is not a text in UTF-8, and its encoding is unknown: convert it with iconv -f ENCODING -t utf8%s", name, path)
}

// shellQuoted quotes a path for a shell.
func shellQuoted(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,@%~") == "" && path != "" && path[0] != '-' {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// kinds lists files that people try to attach, by their first bytes.
var kinds = []struct{ begins, kind, hint string }{ //nolint:gochecknoglobals // a constant in all but type
	{"%PDF-", "a PDF", "extract its text, for example: pdftotext FILE - | chat send …"},
	{"PK\x03\x04", "an archive or an office document", "unpack it, or save it as text"},
	{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old office document", "save it as text"},
	{"\x1f\x8b", "packed with gzip", "gunzip it first"},
	{"BZh", "packed with bzip2", "bunzip2 it first"},
	{"\xFD7zXZ\x00", "packed with xz", "unxz it first"},
	{"\x28\xB5\x2F\xFD", "packed with zstd", "unzstd it first"},
	{"7z\xBC\xAF\x27\x1C", "an archive", "unpack it first"},
	{"\x7fELF", "a program", ""},
	{"SQLite format 3\x00", "an SQLite database", "dump it, for example: sqlite3 FILE .dump | chat send …"},
	{"{\\rtf", "a document in RTF", "save it as text"},
	{"II*\x00", otherImage, toPNG},
	{"MM\x00*", otherImage, toPNG},
	{"ID3", recording, ""},
	{"OggS", recording, ""},
	{"\x1A\x45\xDF\xA3", recording, ""},
}

// What files of several forms are.
const (
	otherImage = "an image in a form that models do not take"
	toPNG      = "convert it to PNG or JPEG"
	recording  = "sound or video"
)

// KindOf returns the probable kind of a binary file, "" if unknown.
func KindOf(data []byte) (kind, hint string) {
	for _, k := range kinds {
		if bytes.HasPrefix(data, []byte(k.begins)) {
			return k.kind, k.hint
		}
	}
	if len(data) >= 12 && string(data[4:8]) == "ftyp" {
		switch string(data[8:12]) {
		case "heic", "heix", "mif1", "msf1", "avif":
			return otherImage, toPNG
		}
		return recording, ""
	}
	if len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WAVE" {
		return recording, ""
	}
	return "", ""
}

// problemIn returns why data is not a text in UTF-8, nil if it is one.
func problemIn(data []byte) *DecodeError {
	nul := bytes.IndexByte(data, 0)
	valid := utf8.Valid(data)
	if valid && nul < 0 {
		if bytes.Contains(data, []byte("\x1b$B")) || bytes.Contains(data, []byte("\x1b$@")) {
			return &DecodeError{Encoding: "ISO-2022-JP", Iconv: "iso-2022-jp"}
		}
		if kind, hint := KindOf(data); kind == "a PDF" || kind == "a document in RTF" {
			return &DecodeError{Kind: kind, Hint: hint}
		}
		return nil
	}
	if kind, hint := KindOf(data); kind != "" {
		return &DecodeError{Kind: kind, Hint: hint}
	}
	controls := 0
	for _, b := range data {
		if b < ' ' && !bytes.ContainsRune([]byte("\t\n\r\f\v\x1b\b"), rune(b)) || b == 0x7F {
			controls++
		}
	}
	switch {
	case valid:
		return &DecodeError{Encoding: UTF8.String(), Broken: true, NUL: true, At: nul}
	case nul >= 0, controls*20 > len(data):
		return &DecodeError{Kind: "binary"}
	}
	if at := firstWrong(data); mostlyUTF8(data) {
		return &DecodeError{Encoding: UTF8.String(), Broken: true, At: at, Line: 1 + bytes.Count(data[:at], []byte("\n"))}
	}
	return guess(data)
}

func firstWrong(data []byte) int {
	at := 0
	for at < len(data) {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

// mostlyUTF8 reports whether data is damaged UTF-8: most of its non-ASCII bytes are
// valid.
func mostlyUTF8(data []byte) bool {
	good, bad := 0, 0
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1:
			bad++
		case size > 1:
			good++
		}
		data = data[size:]
	}
	return good > bad
}
