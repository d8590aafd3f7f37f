package tui

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat/internal/term/attach"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
)

// inDir starts a screen in a directory with files.
func inDir(t *testing.T, files map[string]string) *screenTest {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, newFake(), 80, 24, full, func(o *Options) { o.Dir = dir })
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	return s
}

func (s *screenTest) paste(text string) {
	s.send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true})
}

func TestFilesAreOfferedAndAttached(t *testing.T) {
	s := inDir(t, map[string]string{"sched.go": "package sched\n", "internal/steal.go": "package internal", "README.md": "# x"})
	s.typeText("explain @s")
	s.untilShown("> @ sched.go")
	s.golden("offer_80x24")
	s.press("down")
	s.shows("> @ internal/steal.go")
	s.press("up", "tab")
	if got := s.m.input.Value(); got != "explain @sched.go " {
		t.Fatalf("the input is %q", got)
	}
	s.shows("!@ sched")
	s.typeText("please")
	s.press("enter")
	task := s.untilFollowed(nil)
	file, err := chat.NewAttachment([]byte("package sched\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := chat.Parts{{Type: chat.PartText, Text: "explain @sched.go please"}, file.Part("sched.go")}
	if got := s.backend.sent[0]; got.Content != attach.Draft(want) || len(s.backend.uploaded) != 1 || s.backend.uploaded[0] != "package sched\n" {
		t.Fatalf("sent %+v, uploaded %q", got, s.backend.uploaded)
	}
	s.shows("[file] sched.go  14 B", "!package sched")
	s.backend.finish(task, chat.TaskDone, "It is a scheduler.", nil)
	s.untilQuiet()
	s.golden("attached_80x24")

	// What is edited has the file as a label, and what comes back has the @.
	s.press("tab", "[", "e")
	s.shows("explain @sched.go please", "[file sched.go · 14 B]")
	if got := s.m.input.Value(); got != s.backend.sent[0].Content {
		t.Fatalf("edited is %q", got)
	}
	s.press("esc", "up")
	s.untilDraft("explain @sched.go please")
}

// A PDF at a web address is fetched once, and shown with its pages.
func TestWebAddressesAreAttached(t *testing.T) {
	fetched := 0
	s := start(t, newFake(), 80, 24, full, func(o *Options) {
		o.Fetch = func(_ context.Context, url string) (string, []byte, error) {
			if fetched++; strings.Contains(url, "private") {
				return "", nil, chat.Errorf(chat.CodeInvalid, "https://private.example leads to 10.0.0.1: add --allow-private-urls")
			}
			return "paper.pdf", []byte("%PDF-1.7 of " + url), nil
		}
	})
	s.until("it is ready", func() bool { return s.m.drafts.Ready() })
	s.typeText("see @https://private.example/x")
	s.press("enter")
	s.untilShown("10.0.0.1: add --allow-private-urls")
	s.press("ctrl+c")
	s.typeText("see @https://example.com/paper.pdf?v=1.")
	s.press("enter")
	task := s.untilFollowed(nil)
	if got := s.backend.uploaded; fetched != 2 || len(got) != 1 || got[0] != "%PDF-1.7 of https://example.com/paper.pdf?v=1" {
		t.Fatalf("fetched %d times, uploaded %q", fetched, got)
	}
	s.backend.finish(task, chat.TaskDone, "It is a paper.", nil)
	s.untilQuiet()
	s.shows("[file] paper.pdf  45 B · 12 pages")
	s.golden("document_80x24")
	s.press("tab", "[", "e")
	s.shows("[pdf paper.pdf · 45 B")
}

func TestAnUploadThatFailsKeepsTheDraft(t *testing.T) {
	s := inDir(t, map[string]string{"a.go": "package a"})
	s.backend.uploadErr = chat.Retryable(chat.Errorf(chat.CodeDaemon, "cannot reach the server"))
	s.typeText("see @a.go")
	for range 2 { // it is never sent without the file
		s.press("esc", "enter")
		s.untilShown("not sent: cannot reach the server")
		s.untilDraft("see @a.go")
	}
	if len(s.backend.contents()) != 0 {
		t.Fatal("it was sent")
	}
}

func TestMissingFileIsConfirmedOnce(t *testing.T) {
	s := inDir(t, nil)
	s.typeText("see @nosuch.go")
	s.press("enter")
	s.untilShown("there is no file nosuch.go; enter again sends it as text")
	if len(s.backend.contents()) != 0 {
		t.Fatal("it was sent")
	}
	s.press("enter")
	s.untilSent(1)
	s.press("ctrl+n")
	s.typeText("ask @someone about it")
	s.press("enter")
	s.untilSent(2)
}

func TestAFileThatCannotBeReadKeepsTheDraft(t *testing.T) {
	s := inDir(t, map[string]string{"binary": "\x00\x01"})
	s.typeText("see @binary")
	s.press("esc", "enter")
	s.untilShown("binary is not a text in UTF-8")
	s.untilDraft("see @binary")
}

func TestOffersCloseAndComeBack(t *testing.T) {
	s := inDir(t, map[string]string{"sched.go": "", "sub/deep.go": ""})
	s.typeText("@s")
	s.untilShown("> @ sched.go")
	s.press("esc")
	s.shows("!@ sched")
	s.typeText("c")
	s.shows("!@ sched")
	s.press("enter") // sends: enter is not the key that takes a file
	s.untilSent(1)
	s.press("ctrl+n")
	s.typeText("@./su")
	s.untilShown("> @ ./sub/")
	s.press("tab")
	s.untilShown("> @ ./sub/deep.go")
	s.press("tab")
	if got := s.m.input.Value(); got != "@./sub/deep.go " {
		t.Fatalf("the input is %q", got)
	}
}

func TestPastedPathsBecomeMentions(t *testing.T) {
	s := inDir(t, map[string]string{"a file.txt": "text"})
	path := filepath.Join(s.dir, "a file.txt")
	for _, pasted := range []string{path, "'" + path + "'", strings.ReplaceAll(path, " ", `\ `), "file://" + strings.ReplaceAll(path, " ", "%20"), path + "\n"} {
		s.paste(pasted)
		s.untilDraft(`@"` + path + `" `)
		s.press("ctrl+u")
	}
	s.paste(path) // text typed meanwhile follows it
	s.typeText("why?")
	s.untilDraft(`@"` + path + `" why?`)
	s.press("ctrl+u")
	for _, pasted := range []string{"/no/such/file", "/", "http://example.com/x", "two\n/lines"} {
		s.paste(pasted)
		s.untilDraft(pasted)
		s.press("ctrl+c")
	}
}

func TestLongPastesAreFoldedInTheInput(t *testing.T) {
	s := inDir(t, nil)
	long := strings.TrimSuffix(strings.Repeat("a line\n", 30), "\n")
	s.typeText("why? ")
	s.paste(long)
	s.golden("pasted_80x24")
	s.press("ctrl+p")
	s.typeText("unfold")
	s.press("enter")
	s.shows("a line", "![pasted")
	s.press("enter")
	s.untilSent(1)
	if got := s.backend.contents()[0]; got != "why? "+long {
		t.Fatalf("sent %q", got)
	}
}

func TestFilesAreOfferedAtEachCharacter(t *testing.T) {
	s := inDir(t, map[string]string{"a.go": "", "a,b.md": "", "a(1).txt": "", "b c.txt": "", "v1.2/x": ""})
	for _, c := range []struct{ typed, offers string }{
		{"see @a.", "a.go"},
		{"@a", "a"},
		{"@a.g", "a.go"},
		{"(@a.", "a.go"},
		{"@a,", "a,b.md"},
		{"@a(", "a(1).txt"},
		{"@a(1)", "a(1).txt"},
		{"@v1.", "v1.2/x"},
		{`@"b `, "b c.txt"},
		{"one @a.go and @a.", "a.go"},
		{"@..", "../"},
		{"line\n@a.", "a.go"},
	} {
		s.press("ctrl+c")
		s.typeText(c.typed)
		s.untilShown("> @ " + c.offers)
		s.press("tab")
		if got := s.m.input.Value(); s.m.conversation.Reading() || !strings.Contains(got, c.offers) {
			t.Errorf("%q and tab is %q", c.typed, got)
		}
		s.press("ctrl+u", "ctrl+u", "backspace", "ctrl+u")
	}
	for _, typed := range []string{"a@b.", "@", "@a b", "@a. ", `@"a.go" `, "x"} {
		s.press("ctrl+c")
		if typed == "@" {
			continue
		}
		s.typeText(typed)
		if offering(s.m) {
			t.Errorf("%q offers %q", typed, s.m.input.Offers())
		}
	}
}

// Whatever is in a prompt, it can be sent: at the latest when it is entered again.
func TestAnyPromptCanBeSent(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"locked": 0, "binary": 0o600, "large": 0o600} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\x00\x01"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), []byte(strings.Repeat("a line\n", 130_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("loop.txt", filepath.Join(dir, "loop.txt")); err != nil {
		t.Fatal(err)
	}
	for _, prompt := range []string{
		"write to a @" + strings.Repeat("a", 300) + " now",
		"write to a @" + strings.Repeat("a/", 300) + ".go now",
		"@" + strings.Repeat("日本", 2000),
		"@loop.txt", "@binary", "@large and @large", "@binary/below.txt", "@/dev/null", "@/dev/tty?", "@/", "@~", "@.", "@..", "@./", "@\"", "@\"a b\"", "@a@b@c", "@nosuch.go",
		"@" + strings.Repeat("../", 400) + "x.go", "@\u200b.go", "@a\u00a0b.c", "@http://x.org/a.b", "@app.route(\"/x\")", "@~nobody/x.go", "@$HOME/x.go", "@%s%n.go",
		"/", "//", "/nosuch", "/no_think", "/think", "/etc/hosts", "/a b", "/é", "!", "!ls", "#", "$(x)", "%", "-", "--help", "?what", "\\", "  spaces  ", "\ttab", "\"", "'",
		strings.Repeat("long ", 20_000),
	} {
		s := start(t, newFake(), 80, 24, full, func(o *Options) { o.Dir = dir })
		s.until("it is ready", func() bool { return s.m.drafts.Ready() })
		s.m.input.Insert(prompt)
		s.press("enter")
		s.until("it is sent, or asked about", func() bool { return len(s.backend.contents()) > 0 || s.m.status.Notice() != "" })
		s.press("enter")
		s.untilSent(1)
		if got := s.backend.contents()[0]; got != prompt {
			t.Errorf("%.60q: sent %.60q", prompt, got)
		}
		s.wellFormed()
	}
}

func TestAnUnknownSlashedWordIsKept(t *testing.T) {
	s := inDir(t, nil)
	s.typeText("/nosuch")
	s.press("enter")
	s.shows("no command is called /nosuch: enter sends it as a message")
	s.press("esc", "up")
	s.untilDraft("/nosuch")
	s.press("enter", "backspace", "enter") // another query: nothing fits, nothing is sent
	s.shows("nothing fits")
	if len(s.backend.contents()) > 0 {
		t.Error("it was sent")
	}
}
