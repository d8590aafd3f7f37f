package highlight

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var letters = [...]string{Text: "", Keyword: "k", Type: "t", Name: "n", String: "s", Number: "d", Comment: "c", Added: "+", Removed: "-"}

// marked writes code with its kinds: «k:func».
func marked(language, code string) string {
	var out []string
	var s State
	for _, line := range strings.Split(code, "\n") {
		var b strings.Builder
		for _, span := range For(language).Line(line, &s) {
			if span.Kind == Text {
				b.WriteString(span.Text)
				continue
			}
			b.WriteString("«" + letters[span.Kind] + ":" + span.Text + "»")
		}
		out = append(out, b.String())
	}
	return strings.Join(out, "\n")
}

func TestKinds(t *testing.T) {
	for _, c := range []struct{ language, code, want string }{
		{"go", `func f(x int) string { return "a\"b" + 'c' } // end`, `«k:func» «n:f»(x «t:int») «t:string» { «k:return» «s:"a\"b"» + «s:'c'» } «c:// end»`},
		{"golang", "x := `raw\nstill // raw` + 0x1F_2", "x := «s:`raw»\n«s:still // raw`» + «d:0x1F_2»"},
		{"go", "/* one\ntwo */ var π = 3.14", "«c:/* one»\n«c:two */» «k:var» π = «d:3.14»"},
		{"go", `"unclosed` + "\nreturn", "«s:\"unclosed»\n«k:return»"},
		{"go", `'\n' '\u00e9' '`, `«s:'\n'» «s:'\u00e9'» '`},
		{"rust", "fn f<'a>(x: &'a str) -> u8 { 'x' }", "«k:fn» f<'a>(x: &'a «t:str») -> «t:u8» { «s:'x'» }"},
		{"Python", "@cached\ndef f(self): # no\n  \"\"\"doc\n  more\"\"\"\n  return f'x' or None", "«n:@cached»\n«k:def» «n:f»(«k:self»): «c:# no»\n  «s:\"\"\"doc»\n«s:  more\"\"\"»\n  «k:return» f«s:'x'» «k:or» «k:None»"},
		{"ts", "const a = `x\n${y}` // z", "«k:const» a = «s:`x»\n«s:${y}`» «c:// z»"},
		{"bash", "echo \"$HOME\" $x a#b # c\nls -l 'two\nlines'", "«k:echo» «s:\"$HOME\"» «n:$x» a#b «c:# c»\nls -l «s:'two»\n«s:lines'»"},
		{"json", `{"a": "b", "n": 12, "t": true}`, `{«n:"a"»: «s:"b"», «n:"n"»: «d:12», «n:"t"»: «k:true»}`},
		{"yaml", "key: value # c\n- other-key: \"x\"", "«n:key»: value «c:# c»\n- «n:other-key»: «s:\"x\"»"},
		{"sql", "SELECT count(*) FROM t -- all\nwhere a = 'it''s'", "«k:SELECT» «n:count»(*) «k:FROM» t «c:-- all»\n«k:where» a = «s:'it''s'»"},
		{"html", "<a href=\"x\">text</a> <!-- c\nd --> t", "<«n:a» «n:href»=«s:\"x\"»>text</«n:a»> «c:<!-- c»\n«c:d -->» t"},
		{"diff", "--- a\n+++ b\n@@ 1 @@\n-old\n+new\n same", "«c:--- a»\n«c:+++ b»\n«n:@@ 1 @@»\n«-:-old»\n«+:+new»\n same"},
		{"c", "#include <x.h>\nint main(void) { return 0; }", "«c:#include <x.h>»\n«t:int» «n:main»(«t:void») { «k:return» «d:0»; }"},
		{"nosuch", "if (x) return", "if (x) return"},
		{"", "if", "if"},
		{"lua", "--[[ a\nb ]] local x = nil", "«c:--[[ a»\n«c:b ]]» «k:local» x = «k:nil»"},
	} {
		if got := marked(c.language, c.code); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.language, got, c.want)
		}
	}
}

func TestSpansConcatenateToLine(t *testing.T) {
	samples := []string{"", "\\", "'", "\"\\", "'\\", "'\\'", "a'b\"c`d//e/*f*/g--h#i<j>k", "日本語'語'", "\xff\xfe", "$", "$$", "@", "0.", strings.Repeat("x(", 50)}
	for name := range languages() {
		var s State
		for range 2 {
			for _, line := range samples {
				var b strings.Builder
				for _, span := range For(name).Line(line, &s) {
					b.WriteString(span.Text)
				}
				if b.String() != line {
					t.Errorf("%s: %q became %q", name, line, b.String())
				}
			}
		}
	}
	for alias, name := range aliases {
		if languages()[name] == nil {
			t.Errorf("%s stands for %s, which does not exist", alias, name)
		}
	}
}

func TestLongLineIsFast(t *testing.T) {
	line := strings.Repeat(`foo("bar", 12) /* x */ `, 20_000)
	for name := range languages() {
		began := time.Now()
		var s State
		For(name).Line(line, &s)
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("%s takes %s for %d KiB", name, d, len(line)>>10)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("go", "func `x", "y` + 1")
	f.Fuzz(func(t *testing.T, name, one, two string) {
		var s State
		for _, line := range []string{one, two} {
			var b strings.Builder
			for _, span := range For(name).Line(line, &s) {
				b.WriteString(span.Text)
				if utf8.ValidString(line) && !utf8.ValidString(span.Text) {
					t.Fatalf("%q is cut inside a character", line)
				}
			}
			if b.String() != line {
				t.Fatalf("%q became %q", line, b.String())
			}
		}
	})
}
