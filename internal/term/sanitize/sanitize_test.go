package sanitize

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// corpus maps hostile texts to their visible text.
var corpus = []struct{ name, in, want string }{
	{"plain", "hello, world", "hello, world"},
	{"newline and tab stay", "a\n\tb", "a\n\tb"},
	{"other C0", "a\x00b\x07c\x08d\x0be\x0cf\rg\x7fh", "abcdefgh"},
	{"CRLF", "a\r\nb", "a\nb"},
	{"colour", "\x1b[31mred\x1b[0m", "red"},
	{"cursor and erase", "x\x1b[2J\x1b[1;1Hy\x1b[Kz", "xyz"},
	{"private mode", "a\x1b[?1049lb\x1b[?25lc", "abc"},
	{"intermediate bytes", "a\x1b[1 qb\x1b[!pc", "abc"},
	{"title by BEL", "a\x1b]0;pwned\x07b", "ab"},
	{"title by ST", "a\x1b]2;pwned\x1b\\b", "ab"},
	{"clipboard", "a\x1b]52;c;cm0gLXJm\x07b", "ab"},
	{"hyperlink", "a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"},
	{"DCS", "a\x1bP+q544e\x1b\\b", "ab"},
	{"APC", "a\x1b_Gf=32;AAAA\x1b\\b", "ab"},
	{"PM", "a\x1b^x\x1b\\b", "ab"},
	{"SOS", "a\x1bXx\x1b\\b", "ab"},
	{"reset", "a\x1bcb", "ab"},
	{"charset", "a\x1b(0b", "ab"},
	{"C1 CSI", "a\u009b31mb", "ab"},
	{"C1 OSC ended by C1 ST", "a\u009d0;t\u009cb", "ab"},
	{"C1 DCS", "a\u0090q\u009cb", "ab"},
	{"other C1", "a\u0085\u0084b", "ab"},
	{"8-bit C1 as raw bytes", "a\x9b31mb", "a\uFFFD31mb"},
	{"unfinished ESC", "a\x1b", "a"},
	{"unfinished CSI", "a\x1b[12;", "a"},
	{"unfinished OSC ends with its line", "a\x1b]0;title\nb", "a\nb"},
	{"CSI aborted by text", "a\x1b[3é", "aé"},
	{"CSI aborted by ESC", "a\x1b[3\x1b[31mb", "ab"},
	{"ESC ESC", "a\x1b\x1b[31mb", "ab"},
	{"OSC with ESC that is not ST", "a\x1b]0;x\x1b[31mb", "ab"},
	{"nested introducers", "\x1b[\x1b]0;x\x07mtext", "mtext"},
	{"override shown", "a\u202Eb\u202C", "a⟦U+202E⟧b⟦U+202C⟧"},
	{"isolates and marks shown", "\u2066x\u2069\u200F\u061C", "⟦U+2066⟧x⟦U+2069⟧⟦U+200F⟧⟦U+061C⟧"},
	{"line separators", "a\u2028b\u2029c", "a\nb\nc"},
	{"CJK, emoji, combining", "日本語 👩‍👩‍👧 e\u0301", "日本語 👩‍👩‍👧 e\u0301"},
	{"invalid UTF-8", "a\xffb\xc3(c", "a\uFFFDb\uFFFD(c"},
	{"replacement character itself", "a\uFFFDb", "a\uFFFDb"},
	{"split look-alike", "\x1b[3\x00" + "1mx", "1mx"},
}

func TestStringRemovesControlSequences(t *testing.T) {
	for _, c := range corpus {
		t.Run(c.name, func(t *testing.T) {
			if got := String(c.in); got != c.want {
				t.Errorf("String(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestEverySplitGivesTheSameText(t *testing.T) {
	for _, c := range corpus {
		in := c.in + "." // completes a character that was cut at the end
		want := String(in)
		for i := 0; i <= len(in); i++ {
			for j := i; j <= len(in); j++ {
				var s Stream
				if got := s.Append(in[:i]) + s.Append(in[i:j]) + s.Append(in[j:]); got != want {
					t.Fatalf("%s cut at %d and %d: %q, want %q", c.name, i, j, got, want)
				}
			}
		}
		var s Stream
		var got strings.Builder
		for i := range len(in) {
			got.WriteString(s.Append(in[i : i+1]))
		}
		if got.String() != want {
			t.Fatalf("%s byte by byte: %q, want %q", c.name, got.String(), want)
		}
	}
}

func TestUnfinishedControlStringSwallowsABoundedText(t *testing.T) {
	got := String("\x1b]0;" + strings.Repeat("x", 3*maxString) + "end")
	if !strings.HasSuffix(got, "end") || len(got) < maxString {
		t.Fatalf("the text after %d bytes is lost: %d bytes left", maxString, len(got))
	}
}

func TestLineIsOneRow(t *testing.T) {
	if got := Line(" a\n\tb\x1b[31m\n c "); got != "a b c" {
		t.Fatalf("Line = %q", got)
	}
}

func FuzzStream(f *testing.F) {
	for _, c := range corpus {
		f.Add(c.in, len(c.in)/2)
	}
	f.Fuzz(func(t *testing.T, in string, cut int) {
		want := String(in)
		for _, r := range want {
			if r == 0x1B || (r < 0x20 && r != '\n' && r != '\t') || (r >= 0x7F && r <= 0x9F) || bidi(r) {
				t.Fatalf("String(%q) lets %U through", in, r)
			}
		}
		if !utf8.ValidString(want) {
			t.Fatalf("String(%q) is not UTF-8", in)
		}
		if again := String(want); again != want {
			t.Fatalf("not idempotent: %q, then %q", want, again)
		}
		if cut < 0 || cut > len(in) {
			return
		}
		var s Stream
		got := s.Append(in[:cut]) + s.Append(in[cut:])
		if s.held > 0 {
			got += string(utf8.RuneError)
		}
		if got != want {
			t.Fatalf("cut at %d: %q, want %q", cut, got, want)
		}
	})
}
