package keyboard

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// typed passes each of pieces to a Reader as one read, and returns what it read as
// keys. late means that nothing follows in time after a possible key.
func typed(t *testing.T, late bool, pieces ...string) (string, [][3]uint8) {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var replies [][3]uint8
	r := &Reader{
		File: in, Background: func(rgb [3]uint8) { replies = append(replies, rgb) },
		more: func(time.Duration) bool { return !late },
	}
	var got bytes.Buffer
	buf := make([]byte, 256)
	for _, piece := range pieces {
		if _, err := io.WriteString(out, piece); err != nil {
			t.Fatal(err)
		}
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(buf[:n])
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(string(innerSpace), " ", string(innerTab), "\t").Replace(got.String()), replies
}

func TestRepliesAreNotKeys(t *testing.T) {
	const (
		first = "\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\" // of the background
		last  = "\x1b]11;rgb:ff/ff/ff\x07"
	)
	input := "typed" + first + " on\x1b[A\x1b[1;5D" + "\x1b]12;rgb:0/0/0\x07" + "\x1bP>|tmux 3.4\x1b\\" + "日本" +
		"\x1b_Gi=31;OK\x1b\\" + "\x1bOP\x1bb\x1b[[A\x1b\r" + "\x1b[200~a\x1b]b\rc\x1b[201~" + last + "é"
	want := "typed on\x1b[A\x1b[1;5D日本\x1bOP\x1bb\x1b[[A\x1b\r\x1b[200~a\x1b]b\rc\x1b[201~é"
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		var pieces []string
		for rest := input; rest != ""; {
			n := 1 + r.IntN(min(len(rest), 30))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		got, replies := typed(t, false, pieces...)
		if got != want || len(replies) != 2 || replies[0] != [3]uint8{30, 30, 46} || replies[1] != [3]uint8{255, 255, 255} {
			t.Fatalf("%q: typed %q, replies %v", pieces, got, replies)
		}
	}
}

func TestKeysThatLookLikeSequencesAreKeys(t *testing.T) {
	for _, keys := range [][]string{
		{"\x1b", "x"},
		{"\x1b\x1b", "x"},
		{"\x1b[", "x"},
		{"\x1b]", "x"},
		{"\x1bO", "x"},
		{"\x1bP", "x"},
		{"\x1b[7$", "x"},
		{"\x1b\x1b\x1b\x1b", "x"},
	} {
		want := keys[0] + keys[1]
		if got, _ := typed(t, true, keys...); got != want {
			t.Errorf("%q: typed %q", keys, got)
		}
	}
}

func TestInvalidSequenceEndsAtNextKey(t *testing.T) {
	for input, want := range map[string]string{
		"\x1b]no replytyped":                            "\rtyped",
		"\x1b]11;rgb:0/0/0\x1b[Atyped":                   "\x1b[Atyped",
		"\x1b[12;\x1b[Atyped":                            "\x1b[Atyped",
		"\x1b[12;\rtyped":                                "\rtyped",
		"\x1b[" + string(make([]byte, 3)) + "typed":      "\x00\x00\x00typed",
		"\xe6\x97typed":                                  "\xe6\x97typed",
		"\x1b[1" + string(bytes.Repeat([]byte{'1'}, 90)): "",
	} {
		if got, replies := typed(t, true, input); got != want || replies != nil {
			t.Errorf("%q: typed %q, replies %v", input, got, replies)
		}
	}
}

func TestReaderWaitsForRestOfSequence(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &Reader{File: in}
	buf := make([]byte, 256)
	if _, err := io.WriteString(out, "\x1b"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "\x1b" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, err := io.WriteString(out, "\x1b[A"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Read(buf); err != nil || string(buf[:n]) != "\x1b[A" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("typed\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[A\x1b[200~x\x1b[201~日"))
	f.Fuzz(func(t *testing.T, input []byte) {
		var s scanner
		var out []byte
		for _, b := range input {
			before := len(out)
			if out = s.take(b, out); len(out)-before > maxSequence+1 {
				t.Fatalf("%d bytes for one", len(out)-before)
			}
		}
		if len(out) > len(input) || len(s.held) > maxSequence || len(s.said) > maxSequence {
			t.Fatalf("%d bytes in, %d out, %d held, %d kept", len(input), len(out), len(s.held), len(s.said))
		}
	})
}

func TestSeveralLinesInOneReadArePaste(t *testing.T) {
	const lines = "func main() {\r\tprintln(\"日本\")\r}\r"
	twice := lines + lines
	cut := strings.LastIndex(twice, "日")
	for name, c := range map[string]struct {
		pieces []string
		want   string
	}{
		"lines":                     {[]string{lines}, pasteBegin + lines + pasteEnd},
		"cut in a character":        {[]string{twice[:cut+1], twice[cut+1:]}, pasteBegin + twice[:cut] + pasteEnd + pasteBegin + twice[cut:] + pasteEnd},
		"immediate rest":            {[]string{lines + lines[:10], lines[10:]}, pasteBegin + lines + lines[:10] + pasteEnd + pasteBegin + lines[10:] + pasteEnd},
		"a long line and enter":     {[]string{"a question of more than thirty-two characters\r"}, "a question of more than thirty-two characters\r"},
		"enter, and the next words": {[]string{"short\rand more"}, "short\rand more"},
		"keys among it":             {[]string{"a question of more than thirty-two\r\x03"}, "a question of more than thirty-two\r\x03"},
		"two short lines":           {[]string{"line one\rline two\r"}, pasteBegin + "line one\rline two\r" + pasteEnd},
		"marked as a paste":         {[]string{pasteBegin + lines + pasteEnd}, pasteBegin + lines + pasteEnd},
	} {
		if got, _ := typed(t, true, c.pieces...); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestPasteCutAtLineEndIsOnePaste(t *testing.T) {
	full := strings.Repeat("x", 89) + "\r"
	if got, _ := typed(t, false, full+"second\r"); got != pasteBegin+full+pasteEnd {
		t.Errorf("%q", got)
	}
}

// A first line longer than one read does not send the text before it.
func TestPasteWithLongFirstLineIsPaste(t *testing.T) {
	long := strings.Repeat("x", 90)
	got, _ := typed(t, true, long, "the end\rmore")
	if want := long + pasteBegin + "the end\rmore" + pasteEnd; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	got, _ = typed(t, true, long, "the end\r")
	if want := long + "the end\r"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A text in one read is reported as one: spaces do not split it, and a tab inside
// it is not a key. Keys stay keys.
func TestTextInOneReadIsOneMessage(t *testing.T) {
	for read, want := range map[string]string{
		"now press enter":         "now\u0080press\u0080enter",
		" a":                      "\u0080a",
		"a ":                      "a\u0080",
		" ":                       " ",
		"a":                       "a",
		"a\tb":                    "a\u0081b",
		"\ta b\t":                 "\ta\u0080b\t",
		"\t\t":                    "\t\t",
		"a\t":                     "a\t",
		"a b\rc d":                "a\u0080b\rc\u0080d",
		"a \x1b[Ab c":             "a\u0080\x1b[Ab\u0080c",
		"\x1bb c":                 "\x1bb\u0080c",
		"\x1b[M !!a b":            "\x1b[M !!a\u0080b",
		"\x1b[200~a b\x1b[201~ c": "\x1b[200~a b\x1b[201~\u0080c",
		"日 本":                     "日\u0080本",
	} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(out, read); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		n, err := (&Reader{File: in, more: func(time.Duration) bool { return false }}).Read(buf)
		if err != nil || string(buf[:n]) != want {
			t.Errorf("%q is %q, %v; want %q", read, buf[:n], err, want)
		}
		if got := Text([]rune(want)); !strings.Contains(want, "\u0080") && !strings.Contains(want, "\u0081") && got != want {
			t.Errorf("the text of %q is %q", want, got)
		}
		if err := errors.Join(in.Close(), out.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
