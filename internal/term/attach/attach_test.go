package attach

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chat"
)

func makeFiles(t *testing.T, files map[string]string) Dirs {
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
	return Dirs{Dir: dir, Home: filepath.Join(dir, "home")}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]string{
		"look at @a.go and (@b/c.go), please": "a.go b/c.go",
		`@"with space.txt" @x`:                "with space.txt x",
		"me@example.com @":                    "",
		"@one@two":                            "one@two",
		"@a.go.\n@b.go!":                      "a.go b.go",
		`@"unclosed`:                          "",
		"@~/x @/etc/hosts":                    "~/x /etc/hosts",
	} {
		var got []string
		for _, m := range Mentions(text) {
			got = append(got, m.Path)
			if !strings.HasPrefix(text[m.From:m.To], "@") {
				t.Errorf("%q: %q is its position", text, text[m.From:m.To])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, path := range []string{"a.go", "with space", "odd(1).txt", "日本.md"} {
		if m := Mentions("see " + Write(path) + " there"); len(m) != 1 || m[0].Path != path {
			t.Errorf("%q is written %s and read as %+v", path, Write(path), m)
		}
	}
}

func TestPartialMentions(t *testing.T) {
	for text, want := range map[string]string{"see @sch": "sch", "@": "", "x @": "", "a@b": "-", "@x y": "-", "": "-", "me@": "-"} {
		prefix, at, ok := Partial(text, len(text))
		if !ok {
			prefix = "-"
		} else if text[at] != '@' {
			t.Errorf("%q: at %d", text, at)
		}
		if prefix != want {
			t.Errorf("%q: %q, want %q", text, prefix, want)
		}
	}
}

func TestFilesFollowText(t *testing.T) {
	p := makeFiles(t, map[string]string{"a.go": "package a\r\n\n", "home/notes.md": "my notes", "b/c.txt": "see"})
	message, missing, err := p.Message(t.Context(), "compare @a.go with @~/notes.md and @./a.go, @nosuch.go, @someone @b\n")
	want := "compare @a.go with @~/notes.md and @./a.go, @nosuch.go, @someone @b|file a.go|file notes.md"
	if got := shape(message.Parts); err != nil || got != want || !slices.Equal(missing, []string{"nosuch.go"}) {
		t.Errorf("%q, %q, %v", got, missing, err)
	}
	if a := message.Attachments; len(a) != 2 || string(a[0].Data) != "package a\n\n" || string(a[1].Data) != "my notes" || a[1].Digest != message.Parts[2].Digest {
		t.Errorf("%+v", a)
	}
}

func TestWebAddressesAreFetched(t *testing.T) {
	p := makeFiles(t, map[string]string{"a.go": "package a"})
	text := "see @https://example.com/x/a.txt, @HTTP://example.com/a.txt and @a.go"
	message, missing, err := p.Message(t.Context(), text)
	if got := shape(message.Parts); err != nil || got != text+"|file a.go" || len(missing) != 2 {
		t.Errorf("without a network: %q, %q, %v", got, missing, err)
	}
	var asked []string
	p.Fetch = func(_ context.Context, url string) (string, []byte, error) {
		asked = append(asked, url)
		if strings.Contains(url, "broken") {
			return "", nil, chat.Errorf(chat.CodeInvalid, "it is broken")
		}
		return "a.txt", []byte("caf\u00e9\r\n"), nil
	}
	message, missing, err = p.Message(t.Context(), "see @https://example.com/x/a.txt, @https://example.com/x/a.txt and @a.go")
	if got := shape(message.Parts); err != nil || !strings.HasSuffix(got, "|file a.txt|file a.go") || len(missing) != 0 || len(asked) != 1 || string(message.Attachments[0].Data) != "café\n" {
		t.Errorf("%q, %q, %v, %q", got, missing, err, asked)
	}
	for draft, want := range map[string]string{"@https://example.com/broken": "broken", "@https://me:secret@example.com/a.txt": "a name or a password"} {
		message, _, err := p.Message(t.Context(), draft)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || len(message.Attachments) != 0 {
			t.Errorf("%s: %v", draft, err)
		}
	}
	if len(asked) != 2 {
		t.Errorf("asked %q", asked)
	}
}

func TestPDFsInDrafts(t *testing.T) {
	p := makeFiles(t, map[string]string{"paper.txt": "%PDF-1.7 and so on"})
	message, _, err := p.Message(t.Context(), "see @paper.txt")
	if err != nil || len(message.Parts) != 2 || !message.Parts[1].IsDocument() || len(message.Damaged()) != 0 {
		t.Fatalf("%+v, %v", message, err)
	}
	draft := Draft(message.Parts)
	if again := ParseDraft(draft); !again.Equal(message.Parts) || !strings.Contains(draft, `[pdf "paper.txt", 18 bytes, sha256:`) || Label(&again[1]) != "[pdf paper.txt · 18 B]" {
		t.Errorf("%s became %+v", draft, again)
	}
	if _, err := Bytes("x.pdf", append([]byte("%PDF-1.7"), make([]byte, chat.MaxDocument)...)); !chat.IsCode(err, chat.CodeTooLarge) || !strings.Contains(err.Error(), "x.pdf is larger than 20 MiB") {
		t.Errorf("%v", err)
	}
}

func TestFilesOfTheSameNameAreAllAttached(t *testing.T) {
	p := makeFiles(t, map[string]string{"old/main.go": "old", "new/main.go": "new"})
	message, missing, err := p.Message(t.Context(), "compare @old/main.go and @new/main.go and @old/main.go")
	if got := shape(message.Parts); err != nil || len(missing) != 0 || got != "compare @old/main.go and @new/main.go and @old/main.go|file main.go|file main.go" || len(message.Attachments) != 2 {
		t.Errorf("%q, %d attachments, %v", got, len(message.Attachments), err)
	}
	again, _, err := p.Message(t.Context(), Draft(message.Parts))
	if err != nil || !again.Parts.Equal(ParseDraft(Draft(message.Parts))) || len(again.Attachments) != 0 {
		t.Errorf("edited, it is %q with %d attachments, %v", shape(again.Parts), len(again.Attachments), err)
	}
}

func TestReferencedFilesAreNotReadAgain(t *testing.T) {
	p := makeFiles(t, map[string]string{"a.go": "changed", "b.go": "new"})
	old := chat.Parts{{Type: chat.PartText, Text: "see @a.go and @b.go"}, {Type: chat.PartFile, Name: "a.go", Size: 3, Digest: strings.Repeat("0a", 32)}}
	message, _, err := p.Message(t.Context(), Draft(old))
	if got := shape(message.Parts); err != nil || got != "see @a.go and @b.go|file a.go|file b.go" || len(message.Attachments) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestUnreadableFilesAreReported(t *testing.T) {
	p := makeFiles(t, map[string]string{"binary": "a\x00b", "latin": "caf\xe9", "big": strings.Repeat("x", chat.MaxText+1), "half": strings.Repeat("x", chat.MaxText*2/3), "half2": strings.Repeat("y", chat.MaxText*2/3)})
	for draft, want := range map[string]string{
		"@binary": "not a text", "@latin": "not a text", "@big": "larger than 768 KiB", "@half @half2": "with its files", "@/dev/null": "not a regular file",
	} {
		if _, _, err := p.Message(t.Context(), draft); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", draft, err)
		}
	}
}

// shape is the parts in a line.
func shape(parts chat.Parts) string {
	var out []string
	for _, p := range parts {
		if p.Type == chat.PartText {
			out = append(out, p.Text)
		} else {
			out = append(out, string(p.Type)+" "+p.Name)
		}
	}
	return strings.Join(out, "|")
}

func TestDraftRoundTrip(t *testing.T) {
	text := func(s string) chat.Part { return chat.Part{Type: chat.PartText, Text: s} }
	file := chat.Part{Type: chat.PartFile, Name: "od\"d\n\\name, 3 bytes", Size: 33, Digest: strings.Repeat("0a", 32)}
	image := chat.Part{Type: chat.PartImage, Name: "", Size: 120034, Digest: strings.Repeat("f1", 32)}
	for _, parts := range []chat.Parts{
		nil,
		{text("words only")},
		{text("words"), file, image},
		{file},
		{file, text("words\n\nmore")},
		{text("a"), image, text("\n\nb"), file, file},
		{text("[image \"x\", 3 bytes, sha256:nonsense]")},
		{text("  indented\n[file of words]")},
	} {
		draft := Draft(parts)
		if again := ParseDraft(draft); !again.Equal(parts) {
			t.Errorf("%q became\n%+v, want\n%+v", draft, again, parts)
		}
	}
	line := "[file \"a\", 1 bytes, sha256:" + file.Digest + "]"
	for draft, want := range map[string]string{
		"x " + line: "x " + line, line + "x": line + "x", "\n" + line + "\n\n": "file a", line + "\n" + line + "\nwords\n": "file a|file a|words",
		strings.Replace(line, "1 bytes", "many bytes", 1): strings.Replace(line, "1 bytes", "many bytes", 1),
	} {
		if got := shape(ParseDraft(draft)); got != want {
			t.Errorf("%q: %q, want %q", draft, got, want)
		}
	}
}

func TestFilesAreFound(t *testing.T) {
	p := makeFiles(t, map[string]string{
		"sched.go": "", "internal/sched/steal.go": "", "internal/sched/sched_test.go": "", "README.md": "",
		".git/config": "", "node_modules/sched.js": "", ".hidden": "",
	})
	files := p.Files(t.Context())
	if len(files) != 4 {
		t.Errorf("found %q", files)
	}
	for prefix, want := range map[string]string{
		"sched": "sched.go,internal/sched/sched_test.go,internal/sched/steal.go", "STEAL": "internal/sched/steal.go",
		"": "README.md,sched.go", "zzz": "", "int": "internal/sched/sched_test.go,internal/sched/steal.go",
	} {
		got := Match(files, prefix, 3)
		if prefix == "" {
			got = got[:2]
		}
		if strings.Join(got, ",") != want {
			t.Errorf("%q: %q", prefix, got)
		}
	}
	if got := p.List("./int", 9); !slices.Equal(got, []string{"./internal/"}) {
		t.Errorf("listed %q", got)
	}
	if got := p.List(p.Dir+"/internal/sched/", 9); len(got) != 2 || p.List("/no/such/", 9) != nil {
		t.Errorf("listed %q", got)
	}
}

func TestIgnoredFilesAreNotOffered(t *testing.T) {
	p := makeFiles(t, map[string]string{".gitignore": "secret.txt\nbuild/\n", "secret.txt": "", "build/out.txt": "", "src/main.go": "", "notes 日本.md": ""})
	if got := p.Files(t.Context()); len(got) != 4 {
		t.Errorf("in no repository: %q", got)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return // the list without git is the only one
	}
	if out, err := exec.CommandContext(t.Context(), git, "-C", p.Dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	if out, err := exec.CommandContext(t.Context(), git, "-C", p.Dir, "config", "core.fsmonitor", "touch "+ran+"; false").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := p.Files(t.Context()); !slices.Equal(got, []string{"notes 日本.md", "src/main.go"}) {
		t.Errorf("found %q", got)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("a program of the repository was run")
	}
	ignored := Dirs{Dir: filepath.Join(p.Dir, "build")}
	if got := ignored.Files(t.Context()); !slices.Equal(got, []string{"out.txt"}) {
		t.Errorf("in a directory that is ignored: %q", got)
	}
	if out, err := exec.CommandContext(t.Context(), git, "init", "-q", filepath.Join(p.Dir, "src")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := p.Files(t.Context()); !slices.Equal(got, []string{"notes 日本.md", "src/main.go"}) {
		t.Errorf("with another repository in it: %q", got)
	}
}

func FuzzDraft(f *testing.F) {
	f.Add("a\n[file \"a\", 1 bytes, sha256:" + strings.Repeat("0a", 32) + "]\nb")
	f.Fuzz(func(t *testing.T, draft string) {
		whole := ""
		for _, piece := range Pieces(draft) {
			whole += piece.Source
		}
		if whole != draft {
			t.Fatalf("%q became %q", draft, whole)
		}
		parts := ParseDraft(draft)
		if again := ParseDraft(Draft(parts)); Draft(again) != Draft(parts) {
			t.Fatalf("%q: %q became %q", draft, Draft(parts), Draft(again))
		}
	})
}
