package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Attachment is an image, a PDF or a text file to which messages refer. A server stores it
// once for each owner, whatever the number of messages.
type Attachment struct {
	Digest    string `json:"digest"`          // SHA-256 of Data, in lower-case hex
	MediaType string `json:"media_type"`      // one of ImageTypes, PDFType, or TextType
	Size      int64  `json:"size"`            // of Data, in bytes
	Pages     int    `json:"pages,omitempty"` // of a PDF, as far as they are known
	Data      []byte `json:"-"`
	// Text is the text of a PDF, which models get that do not accept the PDF itself; "" if it has
	// none, as a scanned one.
	Text string `json:"-"`
}

// TextType is the media type of every other file: UTF-8 without NUL.
const TextType = "text/plain"

// The limits of a message's contents, in bytes. Files count as text.
const (
	MaxText      = 768 << 10
	MaxImage     = 4 << 20
	MaxAllImages = 6 << 20
	MaxImages    = 8
)

// NewAttachment detects the media type from the data. It returns CodeUnsupported for data
// that are neither an image of ImageTypes nor text, and CodeTooLarge above MaxImage or MaxText.
func NewAttachment(data []byte) (Attachment, error) {
	sum := sha256.Sum256(data)
	a := Attachment{Digest: hex.EncodeToString(sum[:]), MediaType: ImageType(data), Size: int64(len(data)), Data: data}
	switch text := string(data); {
	case a.MediaType != "":
		if len(data) > MaxImage {
			return Attachment{}, imageTooLarge("", a.Size)
		}
		return a, nil
	case IsPDF(data):
		if len(data) > MaxDocument {
			return Attachment{}, documentsTooLarge(a.Size)
		}
		a.MediaType = PDFType
		return a, nil
	case !utf8.Valid(data) || strings.Contains(text, "\x00"):
		return Attachment{}, Errorf(CodeUnsupported, "the file is no PNG, JPEG, WebP or GIF image, no PDF, and no text in UTF-8: only these can be attached")
	case len(data) > MaxText:
		return Attachment{}, Errorf(CodeTooLarge, "the file has %d KiB, and the files and the text of a message have at most %d: attach a part of it", a.Size>>10, MaxText>>10)
	}
	a.MediaType = TextType
	return a, nil
}

// Part returns the part of a message that refers to the attachment under a name.
func (a Attachment) Part(name string) Part {
	typ := PartFile
	if slices.Contains(ImageTypes(), a.MediaType) {
		typ = PartImage
	}
	return Part{Type: typ, Name: partName(name), MediaType: a.MediaType, Digest: a.Digest, Size: a.Size, Pages: a.Pages}
}

// partName normalizes a name and cuts it to MaxPartName bytes.
func partName(name string) string {
	name = NormalizeText(name)
	for len(name) > MaxPartName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// ImageTypes returns the media types of the images that messages may have.
func ImageTypes() []string { return []string{"image/png", "image/jpeg", "image/webp", "image/gif"} }

// ImageType returns the media type that the first bytes of data show, "" if it is not one
// of ImageTypes.
func ImageType(data []byte) string {
	begins := func(s string) bool { return len(data) >= len(s) && string(data[:len(s)]) == s }
	switch {
	case begins("\x89PNG\r\n\x1a\n"):
		return "image/png"
	case begins("\xff\xd8\xff"):
		return "image/jpeg"
	case begins("GIF87a"), begins("GIF89a"):
		return "image/gif"
	case begins("RIFF") && len(data) >= 12 && string(data[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

func imageTooLarge(name string, size int64) *Error {
	return Errorf(CodeTooLarge, "the image%s has %.1f MB, and an image of a message has at most %.1f: make it smaller", spaced(name), float64(size)/1e6, MaxImage/1e6)
}

func spaced(name string) string {
	if name = strings.Join(strings.Fields(name), " "); name != "" {
		return " " + name
	}
	return ""
}

// attached reports whether the part refers to an attachment.
func (p *Part) attached() bool { return p.Type == PartImage || p.Type == PartFile }

// Digests returns the digests of the attachments to which the parts refer, each once, in
// order.
func (p Parts) Digests() []string {
	var list []string
	seen := map[string]bool{}
	for i := range p {
		if p[i].attached() && !seen[p[i].Digest] {
			seen[p[i].Digest] = true
			list = append(list, p[i].Digest)
		}
	}
	return list
}

// Attach returns the parts with the media types and the sizes of the attachments to which
// they refer. It returns CodeInvalid if the attachment of a part is not in stored.
func (p Parts) Attach(stored map[string]Attachment) (Parts, error) {
	if len(p.Digests()) == 0 {
		return p, nil
	}
	out := make(Parts, len(p))
	copy(out, p)
	for i := range out {
		if !out[i].attached() {
			continue
		}
		a, ok := stored[out[i].Digest]
		if !ok {
			return nil, Errorf(CodeInvalid, "part %d: the server does not have the attachment%s (sha256:%s): upload the file again", i+1, spaced(out[i].Name), out[i].Digest)
		}
		out[i].MediaType, out[i].Size, out[i].Pages = a.MediaType, a.Size, a.Pages
		out[i].Type = a.Part("").Type
	}
	return out, nil
}

// CheckSize returns CodeTooLarge if a user's message exceeds a limit on its contents. It
// takes the sizes of attachments from the parts.
func (p Parts) CheckSize() error { return p.checkSize(MaxText) }

// CheckImportedSize is CheckSize for a message of an import, whose text may be as long as a
// transcript, because other programs have other limits.
func (p Parts) CheckImportedSize() error { return p.checkSize(MaxTranscript) }

func (p Parts) checkSize(maxText int64) error {
	images, text, imageBytes, documentBytes := 0, int64(0), int64(0), int64(0)
	for i := range p {
		switch part := &p[i]; part.Type {
		case PartImage:
			images, imageBytes = images+1, imageBytes+part.Size
			if part.Size > MaxImage {
				return imageTooLarge(part.Name, part.Size)
			}
		case PartFile:
			if part.IsDocument() {
				documentBytes += part.Size
			} else {
				text += part.Size
			}
		case PartText, PartReasoning, PartToolCall, PartToolResult:
			text += int64(len(part.Text))
		default:
		}
	}
	switch {
	case text > maxText:
		return Errorf(CodeTooLarge, "the message has %d KiB of text, with its files, and a message has at most %d: send it in several messages", text>>10, maxText>>10)
	case documentBytes > MaxAllDocuments:
		return documentsTooLarge(documentBytes)
	case images > MaxImages:
		return Errorf(CodeTooLarge, "the message has %d images, and a message has at most %d: send them in several messages", images, MaxImages)
	case imageBytes > MaxAllImages:
		return Errorf(CodeTooLarge, "the images have %.1f MB together, and those of a message have at most %.1f: send them in several messages, or make them smaller", float64(imageBytes)/1e6, MaxAllImages/1e6)
	}
	return nil
}

// SearchText returns what a search finds of a message: its text, the labels of its images
// and files, and the texts of its files. text holds the texts by digest; one that is
// missing is left out.
func (p Parts) SearchText(text map[string]string) string {
	if len(p) == 1 && p[0].Type == PartText {
		return p[0].Text
	}
	var found []string
	for i := range p {
		switch part := &p[i]; part.Type {
		case PartText:
			found = append(found, part.Text)
		case PartImage:
			found = append(found, part.Label())
		case PartFile:
			found = append(found, part.Label())
			if t := text[part.Digest]; t != "" {
				found = append(found, t)
			}
		case PartReasoning, PartToolCall, PartToolResult:
		default:
		}
	}
	return strings.Join(found, "\n")
}

// Title returns a conversation title of at most 60 characters: the first line of the
// message, or the names of its images and files if it has no text.
func (p Parts) Title() string {
	text := strings.TrimSpace(p.Text())
	if text == "" {
		var names []string
		for i := range p {
			if p[i].attached() {
				names = append(names, strings.Join(strings.Fields(p[i].Name), " "))
			}
		}
		text = strings.Join(names, ", ")
	}
	line, _, _ := strings.Cut(text, "\n")
	line = strings.Join(strings.Fields(line), " ")
	const limit = 60
	if utf8.RuneCountInString(line) <= limit {
		return line
	}
	return strings.TrimSpace(string([]rune(line)[:limit-1])) + "…"
}

// FileBlock returns a file as text for a model: the name and the contents in <file> tags,
// which do not collide with code fences in the file.
func FileBlock(name, text string) string {
	return "<file name=" + strconv.Quote(name) + ">\n" + strings.TrimRight(text, "\n") + "\n</file>"
}

// FormatSize formats a number of bytes for people, in decimal units.
func FormatSize(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
