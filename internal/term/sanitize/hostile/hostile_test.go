package hostile

import (
	"strings"
	"testing"

	"chat/internal/term/sanitize"
)

func TestPayloadsAreManyAndUnique(t *testing.T) {
	dangerous := 0
	seen := map[string]bool{}
	for _, p := range Payloads() {
		if seen[p.Text] {
			t.Errorf("%s is listed twice", p.Name())
		}
		seen[p.Text] = true
		if !p.Harmless {
			dangerous++
		}
	}
	if dangerous < 150 {
		t.Fatalf("%d dangerous payloads, of %d", dangerous, len(seen))
	}
	t.Logf("%d payloads, %d of them dangerous", len(seen), dangerous)
}

func TestCheckFindsUnsanitizedPayloads(t *testing.T) {
	for _, p := range Payloads() {
		err := Check("before "+p.Text+" after\n", NoSGR)
		if (err == nil) != p.Harmless {
			t.Errorf("%s: %v", p.Name(), err)
		}
		if err := Check(p.Text, NoSGR); (err == nil) != p.Harmless {
			t.Errorf("%s alone: %v", p.Name(), err)
		}
	}
}

func TestCheckAllowsOnlyOwnSequences(t *testing.T) {
	ours := SGR("1", "38", "5", "247")
	for output, offence := range map[string]string{
		"plain\n\ttext, 日本語 👩‍👩‍👧":     "",
		"\x1b[1mbold\x1b[0m":           "",
		"\x1b[38;5;247mdim\x1b[0m":     "",
		"a\x1b[31mb":                   "byte 1 is a control sequence that is not ours: \"\\x1b[31m\" after \"a\"",
		"ab\x1b[mc":                    "byte 2 is a control sequence",
		"\x1b[>1m":                     "byte 0 is a control sequence",
		"\x1b[1m\x1b]0;t\a":            "byte 4 is an operating system command",
		"\x1b[1m\x1b]0;t\x1b\\":        "byte 4 is an",
		"日\x1b[2":                      "byte 3 is a sequence without an end",
		"a\rb":                         "byte 1 is the control 0x0d",
		"a\u202eb":                     "byte 1 is the bidirectional control U+202E",
		"ab\u009b1m":                   "byte 2 is the C1 control U+009B",
		"ab\x9b1m":                     "byte 2 is not UTF-8",
		"a\ufffdb":                     "",
		"a\x1bé":                       "byte 1 is a sequence cut short",
		"a\x1b[3é":                     "byte 1 is a sequence cut short",
		"\x1b[1m\x1b_caret;1;1\x1b\\x": "byte 4 is an application command",
	} {
		err := Check(output, ours)
		switch {
		case offence == "" && err != nil:
			t.Errorf("%q: %v", output, err)
		case offence != "" && (err == nil || !strings.HasPrefix(err.Error(), offence)):
			t.Errorf("%q: %v, want %s", output, err, offence)
		}
	}
}

func TestSanitizedPayloadsAreHarmless(t *testing.T) {
	for _, p := range Payloads() {
		text := "before " + p.Text + "\nbehind"
		got := sanitize.String(text)
		if err := Check(got, NoSGR); err != nil {
			t.Errorf("%s: %v", p.Name(), err)
		}
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, "\nbehind") {
			t.Errorf("%s: the text around it is lost: %q", p.Name(), got)
		}
		if line := sanitize.Line(text); Check(line, NoSGR) != nil || strings.ContainsAny(line, "\n\t") {
			t.Errorf("%s on a line: %q", p.Name(), line)
		}
		for cut := range len(text) + 1 {
			var s sanitize.Stream
			if split := s.Append(text[:cut]) + s.Append(text[cut:]); split != got {
				t.Fatalf("%s cut at %d: %q, want %q", p.Name(), cut, split, got)
			}
		}
	}
}
