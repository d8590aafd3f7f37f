package output

import (
	"bytes"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// A notice stands on lines of its own, whatever was being written, and breaks between
// words.
func TestANoticeIsNotGluedToAText(t *testing.T) {
	p := &Console{}
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 40}); err != nil {
		t.Fatal(err)
	}
	p.Out, p.Err = slave, slave
	for _, step := range []func() error{
		func() error { _, err := lineWriter{p, p.Err}.Write([]byte("\x1b[2mhalf a thought\x1b[0m")); return err },
		func() error { p.Infof("stopping the answer; press Ctrl+C again to exit"); return nil },
		func() error { p.Infof("second"); return nil },
		func() error { _, err := lineWriter{p, p.Out}.Write([]byte("half an answer")); return err },
		func() error { p.Warnf("third"); return nil },
		func() error { _, err := lineWriter{p, p.Out}.Write([]byte("a line\n")); return err },
		func() error { p.Warnf("fourth"); return nil },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	_, _ = b.ReadFrom(master) // up to EIO
	if err := master.Close(); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[2mhalf a thought\x1b[0m\nchat: stopping the answer; press Ctrl+C\nagain to exit\nchat: second\nhalf an answer\nchat: third\na line\nchat: fourth\n"
	if got := strings.ReplaceAll(b.String(), "\r\n", "\n"); got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestWrapping(t *testing.T) {
	for text, want := range map[string]string{
		"short": "short", "one two three": "one two\nthree", "a verylongwordindeed b": "a\nverylongwordindeed\nb", "one\n  two three four": "one\n  two\nthree four",
		"see it (chat ls)": "see it\n(chat ls)", "日本語 日本語": "日本語\n日本語", "": "", "exactly te": "exactly te",
	} {
		if got := wrap(text, 10, 0); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := wrap("one two three four", 12, 4); got != "one two\n    three\n    four" {
		t.Errorf("%q", got)
	}
}
