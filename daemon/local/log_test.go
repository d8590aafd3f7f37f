package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestLastLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if _, _, err := LastLines(path, 3); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("a\nb\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int]int{-3: 0, 0: 0, 1: 1, 3: 3, 9: 3} {
		if lines, length, err := LastLines(path, n); len(lines) != want || length != 6 || err != nil {
			t.Errorf("%d: %q, %d, %v", n, lines, length, err)
		}
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if lines, length, err := LastLines(path, 2); strings.Join(lines, "") != "bc" || length != -1 || err != nil {
		t.Errorf("put aside: %q, %d, %v", lines, length, err)
	}
	if err := os.WriteFile(path, []byte("d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lines, length, err := LastLines(path, 3); strings.Join(lines, "") != "bcd" || length != 2 || err != nil {
		t.Errorf("in two files: %q, %d, %v", lines, length, err)
	}
}

// writer is the log of a daemon whose stdout and stderr it is.
func writer(t *testing.T, path string) *LogWriter {
	t.Helper()
	f, _, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it is a log
	stdout := os.Stdout
	os.Stdout = f // a test's own must stay
	t.Cleanup(func() { os.Stdout = stdout })
	l := NewLogWriter(path, f)
	if l == nil {
		t.Fatal("it is not taken for the log")
	}
	return l
}

func TestALogIsPutAsideWhileItIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := writer(t, path)
	l.max = 100
	follower, err := FollowLog(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	want := ""
	for i := range 50 {
		line := fmt.Sprintf("line %d\n", i)
		want += line
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if err := follower.Copy(&seen); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{path, path + ".1"} {
			if i, err := os.Stat(name); err == nil && i.Size() > l.max {
				t.Errorf("%s has %d bytes", name, i.Size())
			}
		}
	}
	if seen.String() != want {
		t.Errorf("followed %q", seen.String())
	}
	if lines, _, err := LastLines(path, 12); err != nil || len(lines) != 12 || lines[11] != "line 49" || lines[0] != "line 38" {
		t.Errorf("%q, %v", lines, err)
	}
	if err := follower.Close(); err != nil {
		t.Error(err)
	}
}

func TestALogThatWasRenamedGoesOnAtItsPlace(t *testing.T) {
	for name, move := range map[string]func(path string) error{
		"renamed": func(path string) error { return os.Rename(path, path+".old") },
		"removed": os.Remove,
	} {
		path := filepath.Join(t.TempDir(), "log")
		l := writer(t, path)
		if _, err := l.Write([]byte("before\n")); err != nil {
			t.Fatal(err)
		}
		if err := move(path); err != nil {
			t.Fatal(err)
		}
		l.checked = time.Time{}
		if _, err := l.Write([]byte("after\n")); err != nil {
			t.Fatal(err)
		}
		if lines, _, err := LastLines(path, 9); err != nil || strings.Join(lines, "") != "after" {
			t.Errorf("%s: %q, %v", name, lines, err)
		}
		if _, err := os.Stdout.WriteString("and stdout\n"); err != nil {
			t.Fatal(err)
		}
		if lines, _, err := LastLines(path, 9); err != nil || len(lines) != 2 {
			t.Errorf("%s: %q, %v", name, lines, err)
		}
	}
}

func TestATerminalIsNoLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if NewLogWriter(path, null) != nil {
		t.Error("without a log")
	}
	if err := errors.Join(os.WriteFile(path, nil, 0o600), null.Close()); err != nil {
		t.Fatal(err)
	}
}
