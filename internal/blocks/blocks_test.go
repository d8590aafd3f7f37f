package blocks_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/blocks"
)

func attachment(t *testing.T, data string) chat.Attachment {
	t.Helper()
	a, err := chat.NewAttachment([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

const (
	png = "\x89PNG\r\n\x1a\n and so on, as far as anyone looks"
	gif = "GIF89a and so on"
)

// shape is the parts in a line: texts quoted by bars, attachments by their names.
func shape(p chat.Parts) string {
	var out []string
	for _, part := range p {
		if part.Type == chat.PartText {
			out = append(out, part.Text)
		} else {
			out = append(out, string(part.Type)+":"+part.Name)
		}
	}
	return strings.Join(out, "|")
}

func TestBlocksRoundTrip(t *testing.T) {
	image := blocks.Write("sky.png", attachment(t, png))
	odd := "a \"b\"\n\x1b>\n.gif"
	file := blocks.Write("a.go", attachment(t, "package a\n\nvar f = `<file name=\"x\">`\n"))
	for content, want := range map[string]string{
		"words only": "words only",
		"":           "",
		"which is bluer?\n\n" + image + "\n\n" + blocks.Write(odd, attachment(t, gif)) + "\nsay\n": "which is bluer?|image:sky.png|image:" + odd + "|\n\nsay",
		"compare\n\n" + file + "\n\n" + blocks.Write("empty", attachment(t, "")):                   "compare|file:a.go|file:empty",
		file:                                   "file:a.go",
		image + "\n\n  indented words\n\nmore": "image:sky.png|  indented words\n\nmore",
		file + "\n" + file:                     "file:a.go|file:a.go",
	} {
		parts, attachments := blocks.Parts(content)
		if got := shape(parts); got != want {
			t.Errorf("%q:\n%q, want\n%q", content, got, want)
		}
		for _, a := range attachments {
			if data := string(a.Data); data != png && data != gif && data != "" && !strings.HasPrefix(data, "package a") {
				t.Errorf("%q: an attachment holds %q", content, data)
			}
		}
	}
}

func TestInvalidBlocksAreText(t *testing.T) {
	image := blocks.Write("sky.png", attachment(t, png))
	for name, content := range map[string]string{
		"within a line": "x " + image, "unclosed": strings.TrimSuffix(image, "</image>"), "another type": strings.Replace(image, "image/png", "image/gif", 1),
		"unknown type": strings.Replace(image, "image/png", "image/tiff", 1), "no base64": strings.Replace(image, "\n", "\n!", 1),
		"more on its last line": image + "x", "an unquoted name": "<file name=broken>\nx\n</file>",
		"an open file": "<file name=\"open\">\nnever closed", "a file within a line": "x <file name=\"a\">\nx\n</file>", "no name": "<file name=\"\">\nx\n</file>",
	} {
		if parts, attachments := blocks.Parts(content); len(attachments) != 0 || parts.Text() != content {
			t.Errorf("%s: %q", name, shape(parts))
		}
	}
}

// With a search of the rest for each line, the second text would take hours.
func TestLongTextsAreSplitInLinearTime(t *testing.T) {
	done := make(chan chat.Parts)
	go func() {
		parts, _ := blocks.Parts(strings.Repeat("<file name=\"x\">\n<image name=\"y\" type=\"image/png\">\n</file> x\n", 400_000))
		done <- parts
	}()
	select {
	case parts := <-done:
		if len(parts) != 1 {
			t.Errorf("%d parts", len(parts))
		}
	case <-time.After(time.Minute):
		t.Fatal("a text with many unclosed blocks is not split within a minute")
	}
	long := strings.Repeat("a line of words\n", 50_000)
	parts, attachments := blocks.Parts(long + blocks.Write("x.png", attachment(t, png+string(bytes.Repeat([]byte{7}, 1<<20)))) + "\n" + long)
	if len(parts) != 3 || len(attachments) != 1 {
		t.Errorf("%d parts, %d attachments", len(parts), len(attachments))
	}
}

func FuzzParts(f *testing.F) {
	f.Add("a\n<file name=\"n\">\nt\n</file>\nb")
	f.Add("<image name=\"n\" type=\"image/gif\">\nR0lGODlh\n</image>")
	f.Fuzz(func(t *testing.T, content string) {
		parts, attachments := blocks.Parts(content)
		if err := parts.Normalize().Validate(chat.RoleUser); err != nil && len(parts) < chat.MaxParts {
			t.Fatalf("%q became %+v: %v", content, parts, err)
		}
		if len(attachments) == 0 && parts.Text() != content {
			t.Fatalf("%q became %q", content, parts.Text())
		}
		for _, a := range attachments {
			if again, found := blocks.Parts(blocks.Write("n", a)); len(found) != 1 || len(again) != 1 {
				t.Fatalf("%q is not found again", a.Data)
			}
		}
	})
}
