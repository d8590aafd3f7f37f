package chat

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"
)

// pictures are the beginnings that tell the types apart.
var pictures = map[string]string{
	"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff\xe0", "image/gif": "GIF89a", "image/webp": "RIFF\x04\x00\x00\x00WEBP",
}

func picture(t *testing.T, name, typ string, size int) Image {
	t.Helper()
	data := append([]byte(pictures[typ]), bytes.Repeat([]byte{7}, size-len(pictures[typ]))...)
	img, err := NewImage(name, data)
	if err != nil || img.Type != typ || img.Size() != size {
		t.Fatalf("%s: %v (%d bytes)", img.Type, err, img.Size())
	}
	return img
}

func TestImagesAreToldByTheirContents(t *testing.T) {
	for typ := range pictures {
		for size := 40; size < 44; size++ {
			picture(t, "a text.txt", typ, size)
		}
	}
	for _, data := range []string{"", "hello", "%PDF-1.7", "RIFF\x04\x00\x00\x00WAVE", "\x89PNG"} {
		if img, err := NewImage("sky.png", []byte(data)); !IsCode(err, CodeInvalid) {
			t.Errorf("%q: %+v, %v", data, img, err)
		}
	}
	if _, err := NewImage("sky.png", append([]byte(pictures["image/png"]), make([]byte, MaxImage)...)); !IsCode(err, CodeTooLarge) {
		t.Error(err)
	}
}

func TestImagesAreFoundAgainInAContent(t *testing.T) {
	one, two := picture(t, "sky.png", "image/png", 120_000), picture(t, "a \"b\"\n\x1b>\n.gif", "image/gif", 55)
	content := "Which is bluer?\n\n" + one.Block() + "\n\n" + two.Block() + "\nsay"
	parts := SplitImages(content)
	if len(parts) != 5 || parts[1].Image == nil || *parts[1].Image != one || parts[3].Image == nil || *parts[3].Image != two {
		t.Fatalf("%d parts: %+v", len(parts), parts)
	}
	whole := ""
	for _, p := range parts {
		whole += p.Source
	}
	if whole != content {
		t.Error("the sources of the parts are not the content")
	}
	if got := WithoutImages(content); !strings.Contains(got, "[image] sky.png 120 KB") || strings.Contains(got, one.Data[:20]) || !strings.HasSuffix(got, "\nsay") {
		t.Errorf("%q", got)
	}
	if data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(one.URL(), "data:image/png;base64,")); err != nil || len(data) != 120_000 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if title := TitleFrom(one.Block() + "\n\nwords"); title != "[image] sky.png 120 KB" {
		t.Errorf("%q", title)
	}
}

func TestWhatOnlyLooksLikeAnImageIsText(t *testing.T) {
	block := picture(t, "sky.png", "image/png", 90).Block()
	for name, content := range map[string]string{
		"in a line": "x " + block, "unclosed": strings.TrimSuffix(block, "</image>"), "another type": strings.Replace(block, "image/png", "image/gif", 1),
		"no picture": "<image name=\"x\" type=\"image/png\">\nAAAA\n</image>", "an unknown type": strings.Replace(block, "image/png", "image/svg+xml", 1),
		"two lines": strings.Replace(block, "BwcH", "Bw\ncH", 1), "words behind": block + "x", "no name": `<image name=">` + "\n</image>",
	} {
		parts := SplitImages(content)
		if len(parts) != 1 || parts[0].Image != nil || parts[0].Source != content || WithoutImages(content) != content {
			t.Errorf("%s: %+v", name, parts)
		}
	}
}

func TestAMessageHasSoManyImages(t *testing.T) {
	small := picture(t, "s.png", "image/png", 100).Block() + "\n"
	big := picture(t, "b.png", "image/png", MaxImage).Block() + "\n"
	if err := CheckImages(strings.Repeat(small, MaxImages)); err != nil {
		t.Error(err)
	}
	huge := Image{"h.png", "image/png", base64.StdEncoding.EncodeToString(append([]byte(pictures["image/png"]), make([]byte, MaxImage)...))}
	for name, content := range map[string]string{
		"many": strings.Repeat(small, MaxImages+1), "large together": big + big,
		"one too large": huge.Block(),
	} {
		if err := CheckImages(content); !IsCode(err, CodeTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALongNameIsCut(t *testing.T) {
	img := picture(t, strings.Repeat("ü\"", 300), "image/png", 50)
	parts := SplitImages(img.Block())
	if len(parts) != 1 || parts[0].Image == nil || !utf8.ValidString(img.Name) {
		t.Errorf("%+v", parts)
	}
}

func FuzzSplitImages(f *testing.F) {
	f.Add("x\n<image name=\"a\" type=\"image/png\">\niVBORw0KGgoHBwcHBwcH\n</image>\n<image name=\"")
	f.Fuzz(func(t *testing.T, content string) {
		whole := ""
		for _, p := range SplitImages(content) {
			whole += p.Source
			if p.Image != nil && len(SplitImages(p.Source)) != 1 {
				t.Errorf("%q is not one image", p.Source)
			}
		}
		if whole != content {
			t.Errorf("%q is not %q", whole, content)
		}
	})
}
