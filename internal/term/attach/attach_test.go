package attach

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func place(t *testing.T, files map[string]string) Place {
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
	return Place{Dir: dir, Home: filepath.Join(dir, "home")}
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
				t.Errorf("%q: %q is its place", text, text[m.From:m.To])
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

func TestFilesStandBehindTheWords(t *testing.T) {
	p := place(t, map[string]string{"a.go": "package a\r\n\n", "home/notes.md": "my notes", "b/c.txt": "see"})
	message, missing, err := p.Message("compare @a.go with @~/notes.md and @./a.go, @nosuch.go, @someone @b\n")
	want := "compare @a.go with @~/notes.md and @./a.go, @nosuch.go, @someone @b\n\n<file name=\"a.go\">\npackage a\n</file>\n\n<file name=\"notes.md\">\nmy notes\n</file>"
	if err != nil || message != want || !slices.Equal(missing, []string{"nosuch.go"}) {
		t.Errorf("%q, %q, %v", message, missing, err)
	}
}

func TestWhatCannotBeAttachedIsSaid(t *testing.T) {
	p := place(t, map[string]string{"binary": "a\x00b", "latin": "caf\xe9", "big": strings.Repeat("x", MaxMessage+1), "half": strings.Repeat("x", MaxMessage*2/3), "half2": strings.Repeat("y", MaxMessage*2/3)})
	for draft, want := range map[string]string{
		"@binary": "not a text", "@latin": "not a text", "@big": "larger than 768 KiB", "@half @half2": "with its files", "@/dev/null": "no regular file",
	} {
		if _, _, err := p.Message(draft); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", draft, err)
		}
	}
}

func TestSplitFindsFilesAgain(t *testing.T) {
	odd := Block(`od"d\name`, "text with\n<file name=\"x\">\ninside\n")
	for message, want := range map[string]string{
		"words only":                             "words only",
		"words\n\n" + Block("a.go", "package a"): "words\n\n|a.go:9",
		Block("a", "1") + "\n\nwords\n\n" + Block("b", "22") + "\nmore": "a:1|\n\nwords\n\n|b:2|\nmore",
		"<file name=broken>\nx\n</file>":                                "<file name=broken>\nx\n</file>",
		"<file name=\"open\">\nnever closed":                            "<file name=\"open\">\nnever closed",
		"inline <file name=\"a\">\nx\n</file>":                          "inline <file name=\"a\">\nx\n</file>",
		Block("empty", ""):                                              "empty:0",
		odd:                                                             `od"d\name:32`,
		"":                                                              "",
	} {
		var got []string
		whole := ""
		for _, part := range Split(message) {
			whole += part.Source
			if part.Name != "" {
				got = append(got, part.Name+":"+itoa(part.Size))
				continue
			}
			got = append(got, part.Source)
		}
		if strings.Join(got, "|") != want || whole != message {
			t.Errorf("%q:\n%q, want\n%q", message, got, want)
		}
	}
}

func itoa(n int) string { return strings.TrimSuffix(Size(n), " B") }

func TestFilesAreFound(t *testing.T) {
	p := place(t, map[string]string{
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

func TestWhatGitIgnoresIsNotOffered(t *testing.T) {
	p := place(t, map[string]string{".gitignore": "secret.txt\nbuild/\n", "secret.txt": "", "build/out.txt": "", "src/main.go": "", "notes 日本.md": ""})
	if got := p.Files(t.Context()); len(got) != 4 {
		t.Errorf("in no repository: %q", got)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		return // the list without git is all there is
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
	ignored := Place{Dir: filepath.Join(p.Dir, "build")}
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

func FuzzSplit(f *testing.F) {
	f.Add("a\n" + Block("n", "t") + "\nb")
	f.Fuzz(func(t *testing.T, message string) {
		whole := ""
		for _, part := range Split(message) {
			whole += part.Source
		}
		if whole != message {
			t.Fatalf("%q became %q", message, whole)
		}
	})
}
