// Package attach puts files into messages: it finds what an @ means, reads it,
// and writes it into the text in the form that the command line uses too, which
// it also finds again in messages that are shown.
package attach

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"chat"
)

// The marks around a file in a message. Models are used to them, and they stay
// clear of fences inside the file.
const (
	blockOpen  = "<file name="
	blockClose = "</file>"
)

// Block is a file as it stands in a message.
func Block(name, text string) string {
	return fmt.Sprintf("%s%q>\n%s\n%s", blockOpen, name, strings.TrimRight(text, "\n"), blockClose)
}

// Part is a piece of a message: words, or a file, which has a Name. Source is the
// piece as it stands in the message.
type Part struct {
	Source string
	Name   string
	Size   int // of the file's text or of the image, in bytes
	Image  bool
}

// Kind is the word for what a part with a name is.
func (p Part) Kind() string {
	if p.Image {
		return "image"
	}
	return "file"
}

// Text is the text of a part that is a file.
func (p Part) Text() string {
	_, body, _, _ := cut(p.Source)
	return body
}

// Split takes a message apart. The sources of the parts are the message.
func Split(message string) []Part {
	var parts []Part
	for _, p := range chat.SplitImages(message) {
		if p.Image != nil {
			parts = append(parts, Part{p.Source, cmp.Or(p.Image.Name, "image"), p.Image.Size(), true})
			continue
		}
		parts = append(parts, splitFiles(p.Source)...)
	}
	return parts
}

// splitFiles takes a text without images apart.
func splitFiles(text string) []Part {
	var parts []Part
	rest, from := text, 0
	for from <= len(rest) {
		at := indexLine(rest, from, blockOpen)
		if at < 0 {
			break
		}
		name, body, length, ok := cut(rest[at:])
		if !ok {
			from = at + 1
			continue
		}
		if at > 0 {
			parts = append(parts, Part{Source: rest[:at]})
		}
		parts = append(parts, Part{Source: rest[at : at+length], Name: name, Size: len(body)})
		rest, from = rest[at+length:], 0
	}
	if rest != "" {
		parts = append(parts, Part{Source: rest})
	}
	return parts
}

// indexLine finds a line that begins with prefix, at from or behind it.
func indexLine(s string, from int, prefix string) int {
	for {
		i := strings.Index(s[from:], prefix)
		if i < 0 {
			return -1
		}
		if at := from + i; at == 0 || s[at-1] == '\n' {
			return at
		}
		from += i + 1
	}
}

// cut takes a block off the beginning of s.
func cut(s string) (name, body string, length int, ok bool) {
	head, rest, ok := strings.Cut(s, ">\n")
	if !ok {
		return "", "", 0, false
	}
	name, err := strconv.Unquote(strings.TrimPrefix(head, blockOpen))
	if err != nil || name == "" {
		return "", "", 0, false
	}
	end := strings.Index("\n"+rest+"\n", "\n"+blockClose+"\n")
	if end < 0 {
		return "", "", 0, false
	}
	return name, rest[:max(end-1, 0)], len(head) + len(">\n") + end + len(blockClose), true
}

// Size is a number of bytes in few characters.
func Size(n int) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
