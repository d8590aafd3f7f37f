package attach

import (
	"strings"
	"testing"

	"chat"
)

const png = "\x89PNG\r\n\x1a\n"

func TestTypeOfImageDoesNotDependOnName(t *testing.T) {
	p := makeFiles(t, map[string]string{"sky.txt": png + "and so on for a while", "a.go": "package a", "fake.png": "a text"})
	message, missing, err := p.Message(t.Context(), "which is bluer, @sky.txt, @a.go or @fake.png?")
	if err != nil || len(missing) != 0 {
		t.Fatal(missing, err)
	}
	if got := shape(message.Parts); got != "which is bluer, @sky.txt, @a.go or @fake.png?|image sky.txt|file a.go|file fake.png" {
		t.Errorf("%s", got)
	}
	if a := message.Attachments[0]; a.MediaType != "image/png" || len(a.Data) != len(png)+21 {
		t.Errorf("%+v", a)
	}
}

func TestTooLargeOrTooManyImagesAreReported(t *testing.T) {
	files := map[string]string{"huge.png": png + strings.Repeat("x", chat.MaxImage), "half.png": png + strings.Repeat("x", chat.MaxImage*4/5)}
	many := "look"
	for _, name := range strings.Split("a b c d e f g h i", " ") {
		files[name+".gif"] = "GIF89a"
		many += " @" + name + ".gif"
	}
	files["other.png"] = files["half.png"]
	p := makeFiles(t, files)
	for draft, want := range map[string]string{"@huge.png": "larger than 4 MiB", "@half.png @other.png": "together", many: "9 images"} {
		if _, _, err := p.Message(t.Context(), draft); !chat.IsCode(err, chat.CodeTooLarge) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", draft, err)
		}
	}
}
