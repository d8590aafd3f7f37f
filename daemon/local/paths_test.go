package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

func TestPathsThatDoNotWork(t *testing.T) {
	long := strings.Repeat("long/", 30)
	t.Run("long ones fall back", func(t *testing.T) {
		s := home(t, "")
		s.Paths.Runtime = filepath.Join(t.TempDir(), long)
		s.Paths.State = filepath.Join(t.TempDir(), long)
		t.Setenv("TMPDIR", "/tmp/"+long)
		l, path, err := listen(t.Context(), s.Paths)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if len(path) > maxSocketPath {
			t.Errorf("%d bytes: %s", len(path), path)
		}
		if err := removeSocket(path); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("a link in place of the socket's directory is not followed", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.Symlink(t.TempDir(), filepath.Join(dir, "d")); err != nil {
			t.Fatal(err)
		}
		if err := privateDir(filepath.Join(dir, "d")); err == nil {
			t.Error("it was")
		}
	})
	t.Run("an unwritable home gives one sentence", func(t *testing.T) {
		s := home(t, "")
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s.Paths.Data = filepath.Join(file, "chat")
		_, err := s.Endpoint(t.Context())
		want := "cannot write to " + s.Paths.Data + " (not a directory): make it writable, or set XDG_DATA_HOME to a directory that is"
		if err == nil || err.Error() != want {
			t.Errorf("%v", err)
		}
		s.Paths.Data = t.TempDir()
	})
}

func TestFindPaths(t *testing.T) {
	env := func(pairs ...string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			for i := 0; i < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1], true
				}
			}
			return "", false
		}
	}
	p, err := FindPaths(env("HOME", "/h"))
	if err != nil || p != (Paths{Data: "/h/.local/share/chat", State: "/h/.local/state/chat", Config: "/h/.config/chat"}) {
		t.Errorf("%+v, %v", p, err)
	}
	p, err = FindPaths(env("HOME", "/h", "XDG_DATA_HOME", "relative", "XDG_STATE_HOME", "/s", "XDG_RUNTIME_DIR", "/run/1"))
	if err != nil || p != (Paths{Data: "/h/.local/share/chat", State: "/s/chat", Config: "/h/.config/chat", Runtime: "/run/1/chat"}) {
		t.Errorf("%+v, %v", p, err)
	}
	// A home from the user database may be that of a service or of root.
	for _, home := range [][]string{nil, {"HOME", ""}, {"HOME", "relative"}} {
		if p, err := FindPaths(env(home...)); !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), "set HOME") {
			t.Errorf("%q: %+v, %v", home, p, err)
		}
	}
	p, err = FindPaths(env("XDG_DATA_HOME", "/d", "XDG_STATE_HOME", "/s", "XDG_CONFIG_HOME", "/c"))
	if err != nil || p != (Paths{Data: "/d/chat", State: "/s/chat", Config: "/c/chat"}) {
		t.Errorf("%+v, %v", p, err)
	}
}
