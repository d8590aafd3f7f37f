package highlight

import (
	"slices"
	"strings"
	"testing"
)

// samples have code of each language that chats use most, with a comment, a string and
// another coloured word, each after the other. An empty one is not in the language.
var samples = []struct{ names, code, comment, text, other string }{
	{"python py", "# say it's so\nprint(f\"a # b\") if True else 'x'", "# say it's so", `"a # b"`, "True"},
	{"javascript js jsx ts typescript tsx", "/* one\n two */ const a = \"x // y\"; // don't", "// don't", `"x // y"`, "const"},
	{"go golang", "func f() { x := `a // b` // it's\n}", "// it's", "`a // b`", "func"},
	{"rust rs", "fn f<'a>(s: &'a str) { println!(\"a // b\"); } // it's", "// it's", `"a // b"`, "fn"},
	{"c cpp c++ h hpp objc", "int main() { puts(\"a /* b\"); /* it's */ return 'x'; }", "/* it's */", `"a /* b"`, "return"},
	{"c# cs csharp", "var s = @\"a\\\" + $\"b\"; // it's", "// it's", `@"a\"`, "var"},
	{"java", "@Override public String f() { return \"\"\"\n  a // b\n  \"\"\"; } // it's", "// it's", "  a // b", "@Override"},
	{"kotlin kt", "fun f() = \"a // b\" // it's", "// it's", `"a // b"`, "fun"},
	{"swift", "let s = \"a // b\" // it's", "// it's", `"a // b"`, "let"},
	{"ruby rb", "puts \"a #{b}\" unless nil # it's", "# it's", `"a #{b}"`, "unless"},
	{"php", "<?php echo 'a # b' . $name; // it's", "// it's", "'a # b'", "$name"},
	{"bash sh shell zsh console", "echo don't \"a # b\" $HOME # it's\nls", "# it's", `"a # b"`, "$HOME"},
	{"powershell ps1 pwsh", "<# it's\n more #> Write-Host \"C:\\\" $env:PATH", " more #>", `"C:\"`, "$env"},
	{"sql postgresql mysql", "SELECT 'it''s -- x' FROM t -- it's", "-- it's", `'it''s -- x'`, "FROM"},
	{"html vue", "<p class='a' id=\"b\">it's 6\" long</p><!-- it's -->", "<!-- it's -->", "'a'", "class"},
	{"xml svg", "<a b='it \"x\"'>don't</a>\n<!-- it's\n so --> <c/>", " so -->", `'it "x"'`, "b"},
	{"css", "a { background: url(https://a.example/b.png); content: \"/* x\"; } /* it's */", "/* it's */", `"/* x"`, "content"},
	{"scss less", "$side: 1px; // it's\na { content: 'x // y' }", "// it's", "'x // y'", "$side"},
	{"json jsonc", "{\"a\": \"x // y\"} // it's", "// it's", `"x // y"`, `"a"`},
	{"yaml yml", "key: don't # it's\nother: 'a # b'", "# it's", "'a # b'", "key"},
	{"toml", "a = '''\n# b\n''' # it's", "# it's", "# b", "a"},
	{"ini conf", "[x]\nname = O'Brien ; it's\nb = \"a ; b\"", "; it's", `"a ; b"`, "name"},
	{"dockerfile docker", "FROM debian # it's\nRUN echo \"a # b\"", "# it's", `"a # b"`, "RUN"},
	{"makefile make", "CC := gcc # it's\nall:\n\techo \"a # b\"", "# it's", `"a # b"`, "CC"},
	{"diff patch", "--- a\n+++ b\n+x", "--- a", "", "+x"},
	{"lua", "local s = \"a -- b\" -- it's", "-- it's", `"a -- b"`, "local"},
	{"r", "x.y <- function(a) \"a # b\" # it's", "# it's", `"a # b"`, "function"},
	{"haskell hs", "f :: Int -> String -- it's\nf' x = \"a -- b\"", "-- it's", `"a -- b"`, "Int"},
	{"elixir ex exs", "def f, do: \"a # b\" # it's", "# it's", `"a # b"`, "def"},
	{"dart", "final s = 'a // b'; // it's", "// it's", "'a // b'", "final"},
	{"scala", "val s = \"a // b\" // it's", "// it's", `"a // b"`, "val"},
	{"perl pl", "my $s = 'a # b'; # it's", "# it's", "'a # b'", "$s"},
	{"terraform tf hcl", "resource \"a # b\" \"c\" { n = 1 } # it's", "# it's", `"a # b"`, "resource"},
	{"nginx", "server { listen 80; add_header X \"a # b\"; } # it's", "# it's", `"a # b"`, "server"},
	{"protobuf proto", "message A { string b = 1 [x = \"a // b\"]; } // it's", "// it's", `"a // b"`, "message"},
	{"graphql gql", "\"\"\"\nit's # so\n\"\"\"\ntype A { b: Int } # it's", "# it's", "it's # so", "type"},
	{"markdown md", "# Title\n> it's `x`\na `b` c\n```go\nfunc\n```\n- d", "> it's `x`", "`b`", "# Title"},
	{"vim vimscript", "\" it's a comment\nlet s = \"a\\\"b\" | set nu \" it's", "\" it's a comment", `"a\"b"`, "let"},
	{"vim viml", "set nu \" it's", "\" it's", "", "set"},
	{"zig", "const s = \"a // b\"; // it's", "// it's", `"a // b"`, "const"},
}

// Each of the languages that chats use most is read: nothing is lost, and comments, strings
// and words are told apart.
func TestCommonLanguages(t *testing.T) {
	for _, s := range samples {
		for name := range strings.FieldsSeq(s.names) {
			l := For(name)
			if l == nil {
				t.Errorf("%s is not known", name)
				continue
			}
			var state State
			var spans []Span
			for line := range strings.SplitSeq(s.code, "\n") {
				var b strings.Builder
				for _, span := range l.Line(line, &state) {
					spans = append(spans, span)
					b.WriteString(span.Text)
				}
				if b.String() != line {
					t.Errorf("%s: %q becomes %q", name, line, b.String())
				}
			}
			if state != (State{}) {
				t.Errorf("%s: the code ends in the state %+v", name, state)
			}
			has := func(text string, kinds ...Kind) {
				if text != "" && !slices.ContainsFunc(spans, func(s Span) bool { return s.Text == text && slices.Contains(kinds, s.Kind) }) {
					t.Errorf("%s: %q is not of %v in %v", name, text, kinds, spans)
				}
			}
			has(s.comment, Comment)
			has(s.text, String)
			has(s.other, Keyword, Type, Name, Added)
		}
	}
}
