package output

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExactTextOverAReset(t *testing.T) {
	const again = "\x00" // stands for a reset
	tests := map[string]struct {
		pieces []string
		want   string
		err    error
	}{
		"plain":                     {[]string{"a", "b\n"}, "ab\n\n", nil},
		"nothing":                   {nil, "", nil},
		"before anything":           {[]string{again, "a"}, "a\n", nil},
		"the same beginning":        {[]string{"ab", again, "a", "bc", "d"}, "abcd\n", nil},
		"twice":                     {[]string{"ab", again, "abc", again, "abcd"}, "abcd\n", nil},
		"again while catching up":   {[]string{"abc", again, "ab", again, "abcd"}, "abcd\n", nil},
		"another text":              {[]string{"ab", again, "x"}, "ab", ErrDiverged},
		"another text, later":       {[]string{"abc", again, "a", "bx"}, "abc", ErrDiverged},
		"a shorter text":            {[]string{"abc", again, "ab"}, "abc", ErrDiverged},
		"nothing after the reset":   {[]string{"abc", again}, "abc", ErrDiverged},
		"exactly what there is now": {[]string{"abc", again, "abc"}, "abc\n", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			e := &replaySafeSink{w: &b}
			var err error
			for _, p := range tc.pieces {
				if p == again {
					err = e.Reset(Restarted)
				} else {
					err = e.Write(p)
				}
				if err != nil {
					break
				}
			}
			if err == nil {
				err = e.Close()
			}
			if !errors.Is(err, tc.err) || b.String() != tc.want {
				t.Errorf("%q, %v", b.String(), err)
			}
		})
	}
}

func TestCleanedTextSteersNothing(t *testing.T) {
	var b strings.Builder
	c := &TerminalSink{w: &b}
	for _, p := range []string{"a\x1b", "]0;title\x07b", "\x1b[2J"} {
		if err := c.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.Reset(Restarted), c.Write("new\n"), c.Close()); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07") || !strings.HasPrefix(got, "ab\n") || !strings.HasSuffix(got, "\nnew\n") {
		t.Errorf("%q", got)
	}
}

func TestAFileIsTakenBackOverAReset(t *testing.T) {
	for name, flags := range map[string]int{"written": os.O_RDWR, "appended to": os.O_RDWR | os.O_APPEND} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, flags, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }() // what was written is checked by then
		if flags&os.O_APPEND == 0 {
			if _, err := f.Seek(0, io.SeekEnd); err != nil {
				t.Fatal(err)
			}
		}
		e := NewReplaySafeSink(f)
		if err := errors.Join(e.Write("a long text"), e.Reset(Restarted), e.Write("short"), e.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != "before\nshort\n" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}
