// Package blocks writes images and files into a text as blocks, and finds the
// blocks in a text. Markdown exports contain attachments in this form, and so did
// messages before there were attachments. A block consists of whole lines:
//
//	<image name="sky.png" type="image/png">
//	iVBORw0KGgo…
//	</image>
//
//	<file name="notes.txt">
//	the text
//	</file>
//
// A name is quoted as a Go string. An image is in base64 (RFC 4648, section 4) on one line.
package blocks

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"chat"
)

const (
	imageOpen  = `<image name="`
	imageClose = "</image>"
	fileOpen   = "<file name="
	fileClose  = "</file>"
)

// Write returns the block of an attachment under a name.
func Write(name string, a chat.Attachment) string {
	if a.MediaType == chat.TextType {
		return chat.FileBlock(name, string(a.Data))
	}
	return fmt.Sprintf("<image name=%q type=%q>\n%s\n%s", name, a.MediaType, base64.StdEncoding.EncodeToString(a.Data), imageClose)
}

// Parts splits a text into its words and attachments, in linear time. It drops empty lines
// around a block. Text that only resembles a block stays text.
func Parts(content string) (chat.Parts, []chat.Attachment) {
	r := reader{content: content, closeAt: -1}
	words, at := 0, 0 // where the words before a block begin, and the current line
	for at < len(content) {
		name, a, end, ok := r.block(at)
		if !ok {
			at = r.next(at)
			continue
		}
		r.addWords(content[words:at])
		r.parts, r.attachments = append(r.parts, a.Part(name)), append(r.attachments, a)
		words, at = end, end
	}
	if len(r.attachments) == 0 {
		return chat.TextParts(content), nil
	}
	r.addWords(content[words:])
	return r.parts, r.attachments
}

// reader reads the blocks of a text.
type reader struct {
	content     string
	closeAt     int // the last closing line of a file that was found, len(content) if there is none left
	parts       chat.Parts
	attachments []chat.Attachment
	hasWords    bool
}

// next returns where the line after the one at a position begins.
func (r *reader) next(at int) int {
	if end := strings.IndexByte(r.content[at:], '\n'); end >= 0 {
		return at + end + 1
	}
	return len(r.content)
}

// line returns the line at a position without its end.
func (r *reader) line(at int) string { return strings.TrimSuffix(r.content[at:r.next(at)], "\n") }

// addWords appends the words between two blocks, if there are any.
func (r *reader) addWords(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	if len(r.parts) > 0 {
		text = strings.TrimLeft(text, "\n")
	}
	text = strings.TrimRight(text, "\n")
	if r.hasWords {
		text = "\n\n" + text // the text of a message is that of its parts, one after the other
	}
	r.hasWords = true
	r.parts = append(r.parts, chat.Part{Type: chat.PartText, Text: text})
}

// block reads the block that begins with the line at a position, and returns where it ends.
func (r *reader) block(at int) (name string, a chat.Attachment, end int, ok bool) {
	head := r.line(at)
	switch {
	case !strings.HasSuffix(head, ">"):
		return "", a, 0, false
	case strings.HasPrefix(head, imageOpen):
		return r.image(at, strings.TrimSuffix(head, ">"))
	case strings.HasPrefix(head, fileOpen):
		return r.file(at, strings.TrimSuffix(head, ">"))
	}
	return "", a, 0, false
}

func (r *reader) image(at int, head string) (name string, a chat.Attachment, end int, ok bool) {
	quoted, typ, found := strings.Cut(strings.TrimPrefix(head, "<image name="), ` type="`)
	name, err := strconv.Unquote(quoted)
	if typ = strings.TrimSuffix(typ, `"`); !found || err != nil || !slices.Contains(chat.ImageTypes(), typ) {
		return "", a, 0, false
	}
	data := r.next(at)
	last := r.next(data)
	if last == len(r.content) || r.line(last) != imageClose {
		return "", a, 0, false
	}
	decoded, err := base64.StdEncoding.DecodeString(r.line(data))
	if err == nil {
		a, err = chat.NewAttachment(decoded)
	}
	if err != nil || a.MediaType != typ {
		return "", chat.Attachment{}, 0, false
	}
	return name, a, last + len(imageClose), true
}

func (r *reader) file(at int, head string) (name string, a chat.Attachment, end int, ok bool) {
	name, err := strconv.Unquote(strings.TrimPrefix(head, fileOpen))
	if err != nil || name == "" {
		return "", a, 0, false
	}
	begin := r.next(at)
	last := r.fileEnd(begin)
	if last == len(r.content) || last-begin > chat.MaxText+1 {
		return "", a, 0, false
	}
	a, err = chat.NewAttachment([]byte(r.content[begin:max(last-1, begin)]))
	if err != nil || a.MediaType != chat.TextType {
		return "", chat.Attachment{}, 0, false
	}
	return name, a, last + len(fileClose), true
}

// fileEnd returns the position of the first closing line of a file at from or after it,
// len(content) if there is none. Positions only grow, so each part of the text is searched
// once.
func (r *reader) fileEnd(from int) int {
	if r.closeAt >= from {
		return r.closeAt
	}
	for at := from; ; {
		i := strings.Index(r.content[at:], fileClose)
		if i < 0 {
			r.closeAt = len(r.content)
			return r.closeAt
		}
		at += i
		if (at == 0 || r.content[at-1] == '\n') && r.line(at) == fileClose {
			r.closeAt = at
			return at
		}
		at += len(fileClose)
	}
}
