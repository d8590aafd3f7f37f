package editor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

func TestErrorNamesEditor(t *testing.T) {
	dir := t.TempDir()
	plain := filepath.Join(dir, "no-program")
	if err := os.WriteFile(plain, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/no/such/editor":                       "there is no such program",
		"no-such-editor --wait":                 `"no-such-editor --wait": there is no such program`,
		plain:                                   "it cannot be run",
		"false":                                 `"false" failed with exit code 1`,
		`sh -c 'exit 3' x`:                      "failed with exit code 3",
		`sh -c 'kill -9 $$' x`:                  "ended by a signal (killed)",
		`sh -c 'kill -TERM $$' x`:               "ended by a signal (terminated)",
		`sh -c 'kill -HUP $$; :' x`:             "ended by a signal (hangup)",
		`sh -c 'unclosed`:                       "failed with exit code",
		"true":                                  "",
		`sh -c 'test -f "$1"' x`:                "",
		`env X="a b" sh -c 'test "$X" = "a b"'`: "",
	} {
		file := filepath.Join(dir, "a draft's file.md")
		if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := Failed(name, Command(name, file).Run())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestKeepKeepsEditedText(t *testing.T) {
	failed := chat.Errorf(chat.CodeInternal, "it failed")
	for text, kept := range map[string]bool{"as it was": false, "": false, "changed": true} {
		file, err := Write("chat-test-*.md", "as it was")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err = Keep(file, "as it was", failed)
		_, gone := os.Stat(file)
		if said := strings.Contains(err.Error(), "what you wrote is in "+file); said != kept || (gone == nil) != kept || !chat.IsCode(err, chat.CodeInternal) {
			t.Errorf("%q: %v, %v", text, err, gone)
		}
		_ = os.Remove(file) // it may be gone already
	}
}

func TestReadReturnsText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	for data, want := range map[string]string{"\xff\xfeh\x00\xe9\x00": "hé", "caf\xe9 au lait": "! iconv -f latin1", strings.Repeat("x", 101): "! larger than", "a\x00b": "! NUL"} {
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(file, 100)
		if says, fails := strings.CutPrefix(want, "! "); fails && (err == nil || !strings.Contains(err.Error(), says)) || !fails && got != want {
			t.Errorf("%q: %q, %v", data, got, err)
		}
	}
}
