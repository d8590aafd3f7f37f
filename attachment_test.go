package chat_test

import (
	"bytes"
	"strings"
	"testing"

	"chat"
)

// pictures are the beginnings that tell the types of images apart.
var pictures = map[string]string{
	"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff\xe0", "image/gif": "GIF89a", "image/webp": "RIFF\x04\x00\x00\x00WEBP",
}

func picture(typ string, size int) []byte {
	return append([]byte(pictures[typ]), bytes.Repeat([]byte{7}, size-len(pictures[typ]))...)
}

func TestAttachmentsAreDetectedByTheirContents(t *testing.T) {
	for typ := range pictures {
		a, err := chat.NewAttachment(picture(typ, 40))
		part := a.Part("a text.txt")
		if err != nil || a.MediaType != typ || a.Size != 40 || part.Type != chat.PartImage || part.Digest != a.Digest || len(a.Digest) != 64 {
			t.Errorf("%s: %+v, %v", typ, a, err)
		}
	}
	for _, text := range []string{"", "hello", "see %PDF-1.7", "RIFF\x04\x00\x00 WAVE", "日本"} {
		if a, err := chat.NewAttachment([]byte(text)); err == nil && (a.MediaType != chat.TextType || a.Part("x.png").Type != chat.PartFile) || err != nil && !strings.Contains(text, "\x00") {
			t.Errorf("%q: %+v, %v", text, a, err)
		}
	}
	for data, code := range map[string]chat.Code{
		"caf\xe9": chat.CodeUnsupported, "a\x00b": chat.CodeUnsupported, "\x89PNG": chat.CodeUnsupported,
		strings.Repeat("x", chat.MaxText+1): chat.CodeTooLarge, string(picture("image/png", chat.MaxImage+1)): chat.CodeTooLarge,
	} {
		if _, err := chat.NewAttachment([]byte(data)); chat.CodeOf(err) != code {
			t.Errorf("%.10q: %v", data, err)
		}
	}
	if name := (chat.Attachment{}).Part(strings.Repeat("é", 300)).Name; len(name) > chat.MaxPartName || strings.ContainsRune(name, '\uFFFD') {
		t.Errorf("%d bytes: %q", len(name), name)
	}
}

func TestPartsGetWhatIsStoredOfTheirAttachments(t *testing.T) {
	png, err := chat.NewAttachment(picture("image/png", 90))
	if err != nil {
		t.Fatal(err)
	}
	asked := chat.Parts{{Type: chat.PartText, Text: "look"}, {Type: chat.PartFile, Name: "a lie", Digest: png.Digest, Size: 1}}
	got, err := asked.Attach(map[string]chat.Attachment{png.Digest: png})
	if err != nil || got[1].Type != chat.PartImage || got[1].MediaType != "image/png" || got[1].Size != 90 || asked[1].Size != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := asked.Attach(nil); !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "part 2") {
		t.Error(err)
	}
}

func TestSizesAreLimited(t *testing.T) {
	image := func(size int64) chat.Part { return chat.Part{Type: chat.PartImage, Name: "s.png", Size: size} }
	file := func(size int64) chat.Part { return chat.Part{Type: chat.PartFile, Size: size} }
	text := chat.Part{Type: chat.PartText, Text: strings.Repeat("x", chat.MaxText/2)}
	var many chat.Parts
	for range chat.MaxImages {
		many = append(many, image(10))
	}
	for name, c := range map[string]struct {
		parts chat.Parts
		says  string
	}{
		"at the limit":              {chat.Parts{text, file(chat.MaxText / 2), image(chat.MaxImage)}, ""},
		"many images":               {many, ""},
		"too many images":           {append(many, image(1)), "9 images"},
		"one image too large":       {chat.Parts{image(chat.MaxImage + 1)}, "the image s.png has"},
		"images too large together": {chat.Parts{image(chat.MaxImage), image(chat.MaxImage)}, "together"},
		"too much text":             {chat.Parts{text, text, text}, "KiB of text"},
		"too much text with files":  {chat.Parts{text, file(chat.MaxText/2 + 1)}, "with its files"},
	} {
		err := c.parts.CheckSize()
		if (err == nil) != (c.says == "") || err != nil && (!chat.IsCode(err, chat.CodeTooLarge) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTitlesAndSearchTextOfParts(t *testing.T) {
	image := chat.Part{Type: chat.PartImage, Name: "sky\n.png", Size: 120_000}
	file := chat.Part{Type: chat.PartFile, Name: "a.go", Digest: "d1", Size: 9}
	for want, parts := range map[string]chat.Parts{
		"why is it so?":  chat.TextParts("  why\tis  it so? \nmore"),
		"sky .png":       {image, {Type: chat.PartText, Text: " \n"}},
		"a.go, sky .png": {file, image},
		"words":          {image, {Type: chat.PartText, Text: "\n\nwords"}},
		"":               nil,
	} {
		if got := parts.Title(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := []rune(chat.TextParts(strings.Repeat("é", 200)).Title()); len(got) != 60 || got[59] != '…' {
		t.Errorf("%d characters, the last is %q", len(got), got[len(got)-1])
	}
	parts := chat.Parts{{Type: chat.PartText, Text: "look"}, file, image}
	if got := parts.SearchText(map[string]string{"d1": "package a"}); got != "look\n[file] a.go 9 B\npackage a\n[image] sky .png 120.0 KB" {
		t.Errorf("%q", got)
	}
}

func TestPDFs(t *testing.T) {
	a, err := chat.NewAttachment([]byte("%PDF-1.7\xff\x00"))
	if err != nil || a.MediaType != chat.PDFType {
		t.Fatalf("%+v, %v", a, err)
	}
	a.Pages = 12
	part := a.Part("paper.pdf")
	if part.Type != chat.PartFile || !part.IsDocument() || part.Pages != 12 || part.Label() != "[file] paper.pdf 10 B · 12 pages" {
		t.Errorf("%+v, %s", part, part.Label())
	}
	for pages, want := range map[int]string{0: "10 B", 1: "10 B · 1 page", 2: "10 B · 2 pages"} {
		part.Pages = pages
		if got := part.FormatExtent(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	parts, err := chat.Parts{{Type: chat.PartImage, Name: "x", Digest: a.Digest}}.Attach(map[string]chat.Attachment{a.Digest: a})
	if err != nil || !parts[0].IsDocument() || parts[0].Pages != 12 {
		t.Errorf("%+v, %v", parts, err)
	}
	document := func(size int64) chat.Part {
		return chat.Part{Type: chat.PartFile, MediaType: chat.PDFType, Size: size}
	}
	if err := (chat.Parts{document(chat.MaxDocument), {Type: chat.PartText, Text: strings.Repeat("x", chat.MaxText)}}).CheckSize(); err != nil {
		t.Error(err)
	}
	for _, parts := range []chat.Parts{{document(chat.MaxDocument + 1)}, {document(chat.MaxDocument / 2), document(chat.MaxDocument/2 + 1)}} {
		if err := parts.CheckSize(); !chat.IsCode(err, chat.CodeTooLarge) || !strings.Contains(err.Error(), "PDF") {
			t.Errorf("%v", err)
		}
	}
	if _, err := chat.NewAttachment(append([]byte("%PDF-1.7"), make([]byte, chat.MaxDocument)...)); !chat.IsCode(err, chat.CodeTooLarge) {
		t.Errorf("%v", err)
	}
	if found := (chat.Parts{a.Part("p.pdf")}).SearchText(map[string]string{a.Digest: "its text"}); found != "[file] p.pdf 10 B · 12 pages\nits text" {
		t.Errorf("%q", found)
	}
}
