package chat

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Image is a picture inside the content of a user's message. It stands there as a
// block of its own lines,
//
//	<image name="sky.png" type="image/png">
//	iVBORw0KGgo…
//	</image>
//
// so that SQL, exports, forks and resumed conversations have it without knowing
// of it. Models get it as their provider's API wants it.
type Image struct {
	Name string
	Type string // one of ImageTypes
	Data string // in base64 (RFC 4648, section 4), on one line
}

// The limits of a message's images, in bytes before their encoding.
const (
	MaxImage     = 4 << 20
	MaxAllImages = 6 << 20
	MaxImages    = 8
	MaxImageName = 255
)

const (
	imageOpen  = `<image name="`
	imageClose = "</image>"
)

// ImageTypes are the media types of images that messages may have.
func ImageTypes() []string { return []string{"image/png", "image/jpeg", "image/webp", "image/gif"} }

// ImageType is the media type that data begin like, "" for any but ImageTypes.
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

// NewImage makes an image of a file's data, whatever its name ends in.
func NewImage(name string, data []byte) (Image, error) {
	typ := ImageType(data)
	switch {
	case typ == "":
		return Image{}, Errorf(CodeInvalid, "%s is no image: PNG, JPEG, WebP and GIF are", name)
	case len(data) > MaxImage:
		return Image{}, imageTooLarge(name, len(data))
	}
	name = strings.ToValidUTF8(name, "\uFFFD")
	for len(strconv.Quote(name)) > MaxImageName {
		r := []rune(name)
		name = string(r[:len(r)-1])
	}
	return Image{name, typ, base64.StdEncoding.EncodeToString(data)}, nil
}

func imageTooLarge(name string, size int) *Error {
	return Errorf(CodeTooLarge, "the image %s has %.1f MB, and one of a message at most %.1f: make it smaller", name, float64(size)/1e6, MaxImage/1e6)
}

// Size is the number of bytes of the image itself.
func (i Image) Size() int {
	return base64.StdEncoding.DecodedLen(len(i.Data)) - strings.Count(i.Data[max(0, len(i.Data)-2):], "=")
}

// Block is the image as it stands in a message.
func (i Image) Block() string {
	return fmt.Sprintf("<image name=%q type=%q>\n%s\n%s", i.Name, i.Type, i.Data, imageClose)
}

// URL is the image as a data URL (RFC 2397).
func (i Image) URL() string { return "data:" + i.Type + ";base64," + i.Data }

// ContentPart is a piece of a message's content: a text, or an image.
type ContentPart struct {
	Source string // as it stands in the content
	Image  *Image
}

// SplitImages takes a content apart. The sources of the parts are the content;
// what only looks like an image is text.
func SplitImages(content string) []ContentPart {
	var parts []ContentPart
	rest := content
	for from := 0; ; {
		at := strings.Index(rest[from:], imageOpen)
		if at < 0 {
			break
		}
		at += from
		img, length, ok := cutImage(rest[at:])
		if !ok || at > 0 && rest[at-1] != '\n' {
			from = at + 1
			continue
		}
		if at > 0 {
			parts = append(parts, ContentPart{Source: rest[:at]})
		}
		parts = append(parts, ContentPart{rest[at : at+length], &img})
		rest, from = rest[at+length:], 0
	}
	if rest != "" {
		parts = append(parts, ContentPart{Source: rest})
	}
	return parts
}

// cutImage takes an image off the beginning of s.
func cutImage(s string) (img Image, length int, ok bool) {
	head, _, found := strings.Cut(s[:min(len(s), 2*MaxImageName)], ">\n")
	if !found {
		return img, 0, false
	}
	rest := s[len(head)+len(">\n"):]
	data, after, found := strings.Cut(rest, "\n"+imageClose)
	if !found || after != "" && after[0] != '\n' {
		return img, 0, false
	}
	quoted, typ, found := strings.Cut(strings.TrimPrefix(head, "<image name="), ` type="`)
	name, err := strconv.Unquote(quoted)
	img = Image{name, strings.TrimSuffix(typ, `"`), data}
	if !found || err != nil || !slices.Contains(ImageTypes(), img.Type) || !isBase64(data) {
		return img, 0, false
	}
	begin, err := base64.StdEncoding.DecodeString(data[:min(len(data), 24)])
	if err != nil || ImageType(begin) != img.Type {
		return img, 0, false
	}
	return img, len(head) + len(">\n") + len(data) + len("\n"+imageClose), true
}

// isBase64 reports whether s is base64 on one line.
func isBase64(s string) bool {
	body := strings.TrimSuffix(strings.TrimSuffix(s, "="), "=")
	for i := range len(body) {
		c := body[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '+' && c != '/' {
			return false
		}
	}
	return len(s) > 0 && len(s)%4 == 0
}

// WithoutImages is a content with a label for each image, such as
// "[image] sky.png 120 KB": for people, for search, and for limits of text.
func WithoutImages(content string) string {
	if !strings.Contains(content, imageOpen) {
		return content
	}
	var b strings.Builder
	for _, p := range SplitImages(content) {
		if p.Image != nil {
			b.WriteString(p.Image.Label())
		} else {
			b.WriteString(p.Source)
		}
	}
	return b.String()
}

// Label names the image in a line.
func (i Image) Label() string {
	size := fmt.Sprintf("%d KB", (i.Size()+999)/1000)
	if i.Size() >= 1_000_000 {
		size = fmt.Sprintf("%.1f MB", float64(i.Size())/1e6)
	}
	return "[image] " + strings.Join(strings.Fields(i.Name), " ") + " " + size
}

// CheckImages refuses a content with more or larger images than a message may have.
func CheckImages(content string) error {
	n, all := 0, 0
	for _, p := range SplitImages(content) {
		if p.Image == nil {
			continue
		}
		size := p.Image.Size()
		n, all = n+1, all+size
		if size > MaxImage {
			return imageTooLarge(p.Image.Name, size)
		}
	}
	switch {
	case n > MaxImages:
		return Errorf(CodeTooLarge, "the message has %d images, and may have %d: send them in several messages", n, MaxImages)
	case all > MaxAllImages:
		return Errorf(CodeTooLarge, "the images have %.1f MB together, and those of a message at most %.1f: send them in several messages, or make them smaller", float64(all)/1e6, MaxAllImages/1e6)
	}
	return nil
}
