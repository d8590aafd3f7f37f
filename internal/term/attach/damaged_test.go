package attach_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"chat"
	"chat/internal/term/attach"
)

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func webP(chunk string, size int) []byte {
	b := append([]byte("RIFF\x00\x00\x00\x00WEBP"+chunk), make([]byte, 16)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(size)) // small
	return b
}

func TestDamagedImagesAreFound(t *testing.T) {
	picture := image.NewPaletted(image.Rect(0, 0, 3, 2), palette.Plan9)
	whole := map[string][]byte{
		"a.png":  encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, picture) }),
		"a.jpg":  encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, picture, nil) }),
		"a.gif":  encoded(t, func(b *bytes.Buffer) error { return gif.Encode(b, picture, nil) }),
		"a.webp": webP("VP8L", 24),
	}
	broken := map[string][]byte{
		"zeros.png":    append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 64)...),
		"text.png":     []byte("\x89PNG\r\n\x1a\nnot a picture"),
		"checksum.png": bytes.Replace(whole["a.png"], []byte("IHDR\x00\x00\x00\x03"), []byte("IHDR\x00\x00\x00\x04"), 1),
		"short.png":    whole["a.png"][:20],
		"nothing.jpg":  []byte("\xff\xd8\xff"),
		"short.jpg":    whole["a.jpg"][:30],
		"short.gif":    []byte("GIF89a"),
		"empty.gif":    append([]byte("GIF89a"), make([]byte, 20)...),
		"short.webp":   []byte("RIFF\x00\x00\x00\x00WEBP"),
		"cut.webp":     webP("VP8 ", 4000),
		"unknown.webp": webP("ABCD", 24),
	}
	with := func(m attach.Message, name string, data []byte) attach.Message {
		a, err := chat.NewAttachment(data)
		if err != nil {
			t.Fatal(err)
		}
		m.Add(name, a)
		return m
	}
	for name, data := range whole {
		if found := with(attach.Message{}, name, data).Damaged(); len(found) > 0 {
			t.Errorf("%q are damaged", found)
		}
	}
	all := attach.Message{Parts: chat.TextParts("look")}
	var names []string
	for name, data := range broken {
		if found := with(attach.Message{}, name, data).Damaged(); !slices.Equal(found, []string{name}) {
			t.Errorf("of %s %q are damaged", name, found)
		}
		all, names = with(all, name, data), append(names, name)
	}
	if found := all.Damaged(); !slices.Equal(found, names) {
		t.Errorf("%q are damaged, want %q", found, names)
	}
	if found := with(attach.Message{Parts: chat.TextParts("no picture at all")}, "a.txt", []byte("text")).Damaged(); found != nil {
		t.Errorf("%q", found)
	}
}
