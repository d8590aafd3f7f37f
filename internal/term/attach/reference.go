// Package attach puts images and files into messages: it resolves and reads the
// files that are mentioned with an @. A draft, which is a text, refers to an
// attachment by a line of its own.
package attach

import (
	"fmt"
	"strconv"
	"strings"

	"chat"
)

// Message is a message that is about to be sent: its parts, and the data of the
// attachments that the server may not have.
type Message struct {
	Parts       chat.Parts
	Attachments []chat.Attachment
}

// Add appends an attachment under a name.
func (m *Message) Add(name string, a chat.Attachment) {
	m.Parts = append(m.Parts, a.Part(name))
	m.Attachments = append(m.Attachments, a)
}

// Submission returns the message as a submission.
func (m Message) Submission() chat.Submission {
	return chat.Submission{Parts: m.Parts, Attachments: m.Attachments}
}

// Label describes an attachment in the text box.
func Label(p *chat.Part) string {
	return "[" + kindOf(p) + " " + p.Name + " · " + p.FormatExtent() + "]"
}

// Draft writes the parts of a user's message as a text that can be edited: its words, and
// for each image and file a line such as
//
//	[image "sky.png", 120034 bytes, sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae]
//
// ParseDraft is its inverse.
func Draft(parts chat.Parts) string {
	var pieces []string
	for i := range parts {
		switch p := &parts[i]; p.Type {
		case chat.PartImage, chat.PartFile:
			pieces = append(pieces, fmt.Sprintf("[%s %s, %d bytes, sha256:%s]", kindOf(p), strconv.Quote(p.Name), p.Size, p.Digest))
		case chat.PartText:
			pieces = append(pieces, strings.Trim(p.Text, "\n"))
		case chat.PartReasoning, chat.PartToolCall, chat.PartToolResult:
		default:
		}
	}
	return strings.Join(pieces, "\n\n")
}

// kindPDF is the kind of PDFs in drafts, because their limits are others than those of text files.
const kindPDF = "pdf"

// kindOf is the first word of a line that refers to an attachment.
func kindOf(p *chat.Part) string {
	if p.IsDocument() {
		return kindPDF
	}
	return string(p.Type)
}

// Piece is a piece of a draft: words, or a line that refers to an attachment.
type Piece struct {
	Source string    // as it stands in the draft
	Part   chat.Part // without a type for words
}

// IsReference reports whether the piece refers to an attachment.
func (p Piece) IsReference() bool { return p.Part.Type != "" }

// Pieces splits a draft into pieces, whose sources concatenate to the draft.
func Pieces(draft string) []Piece {
	var pieces []Piece
	words := 0 // where those before the line begin
	for at := 0; at < len(draft); {
		line, _, _ := strings.Cut(draft[at:], "\n")
		if part, ok := reference(line); ok {
			if words < at {
				pieces = append(pieces, Piece{Source: draft[words:at]})
			}
			pieces = append(pieces, Piece{line, part})
			words = at + len(line)
		}
		at = min(at+len(line)+len("\n"), len(draft))
	}
	if words < len(draft) {
		pieces = append(pieces, Piece{Source: draft[words:]})
	}
	return pieces
}

// ParseDraft returns the parts of the message that a draft describes.
func ParseDraft(draft string) chat.Parts {
	var parts chat.Parts
	for _, piece := range Pieces(draft) {
		text := piece.Source
		if piece.IsReference() {
			parts = append(parts, piece.Part)
			continue
		}
		if len(parts) > 0 {
			text = strings.TrimLeft(text, "\n")
		}
		if text = strings.TrimRight(text, "\n"); strings.TrimSpace(text) == "" {
			continue
		}
		if parts.Text() != "" {
			text = "\n\n" + text // the text of a message concatenates its parts
		}
		parts = append(parts, chat.Part{Type: chat.PartText, Text: text})
	}
	return parts
}

// reference reads a line that refers to an attachment.
func reference(line string) (part chat.Part, ok bool) {
	inner, opened := strings.CutPrefix(line, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	kind, rest, named := strings.Cut(inner, " ")
	if !opened || !closed || !named || kind != string(chat.PartImage) && kind != string(chat.PartFile) && kind != kindPDF {
		return part, false
	}
	quoted, err := strconv.QuotedPrefix(rest)
	if err != nil {
		return part, false
	}
	name, err := strconv.Unquote(quoted)
	size, digest, found := strings.Cut(rest[len(quoted):], " bytes, sha256:")
	n, sizeErr := strconv.ParseInt(strings.TrimPrefix(size, ", "), 10, 64)
	if err != nil || sizeErr != nil || !found || !chat.IsDigest(digest) {
		return part, false
	}
	part = chat.Part{Type: chat.PartType(kind), Name: name, Size: n, Digest: digest}
	if kind == kindPDF {
		part.Type, part.MediaType = chat.PartFile, chat.PDFType
	}
	return part, true
}
