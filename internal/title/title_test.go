package title_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"chat"
	"chat/internal/title"
)

func TestClean(t *testing.T) {
	for said, want := range map[string]string{
		"The Blue Sky":                      "The Blue Sky",
		"  \"The Blue Sky.\"\n":             "The Blue Sky",
		"\n\n**Title: The Blue Sky**\nMore": "The Blue Sky",
		"# The `blue` sky":                  "The blue sky",
		"Titel: „Der blaue Himmel“":         "Der blaue Himmel",
		"「青い空」":                             "青い空",
		"标题：蓝天":                             "蓝天",
		"- [The sky](https://x.example)":    "The sky",
		"What is it?":                       "What is it?",
		"Don't panic":                       "Don't panic",
		"tab\tand\x1b[31m colour":           "tab and[31m colour",
		"\u202eevil":                        "evil",
		"":                                  "",
		"\"\"\n***\n":                       "",
		"Six words that go on and on until nobody can read them any more": "Six words that go on and on until nobody can read them any…",
	} {
		if got := title.Clean(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("**Title: \"x\"**")
	f.Add(strings.Repeat("långt ", 30))
	f.Fuzz(func(t *testing.T, said string) {
		got := title.Clean(said)
		if utf8.RuneCountInString(got) > 60 || strings.ContainsAny(got, "\n\r\t\x00\x1b") || got != strings.TrimSpace(got) || !utf8.ValidString(got) {
			t.Errorf("%q: %q", said, got)
		}
	})
}

func TestAsk(t *testing.T) {
	long := chat.Message{Role: chat.RoleUser, Parts: chat.Parts{
		{Type: chat.PartText, Text: strings.Repeat("日", 5000)}, {Type: chat.PartImage, Name: "sky.png", Digest: "x"},
	}}
	file := chat.Message{Role: chat.RoleUser, Parts: chat.Parts{{Type: chat.PartFile, Name: "notes.txt", Digest: "x"}}}
	answer := chat.Message{Role: chat.RoleAssistant, Parts: chat.AnswerParts("hm", 0, "because")}
	got := title.Ask([]chat.Message{long, answer, long, answer})
	if len(got) != 3 || len(got[0].Content) > 1510 || len(got[0].Parts) != 1 || got[1].Content != "because" || got[2].Role != chat.RoleUser || !strings.Contains(got[2].Content, "title") {
		t.Errorf("%+v", got)
	}
	if got := title.Ask([]chat.Message{file, answer}); got[0].Content != "notes.txt" {
		t.Errorf("%+v", got)
	}
	if got := title.Ask(nil); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
