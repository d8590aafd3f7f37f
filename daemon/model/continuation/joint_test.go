package continuation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/continuation"
)

// joined passes a continuation in these pieces and returns what comes out.
func joined(t *testing.T, before string, way continuation.Way, pieces ...string) string {
	t.Helper()
	var out strings.Builder
	j := continuation.New(before, way)
	emit := func(e model.Event) error {
		if e.Void {
			out.Reset()
		}
		out.WriteString(e.Chunk.Content)
		return nil
	}
	for _, p := range pieces {
		if err := j.Pass(model.Event{Chunk: chat.Chunk{Type: chat.ChunkContent, Content: p}}, emit); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Pass(model.Event{Finish: &model.Finish{}}, emit); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestJoint(t *testing.T) {
	const story = "Once upon a time a fox met a crow. The fox praised the voice of the cr"
	for _, c := range []struct{ name, before, said, want string }{
		{"goes on", story, "ow, and it sang.", "ow, and it sang."},
		{"repeats the last words", story, "praised the voice of the crow, and it sang.", "ow, and it sang."},
		{"repeats what it was asked to", story, "crow. The fox praised the voice of the crow, and it sang.", "ow, and it sang."},
		{"repeats a sentence", story, "The fox praised the voice of the crow, and it sang.", "ow, and it sang."},
		{"repeats everything", story, story + "ow, and it sang.", "ow, and it sang."},
		{"repeats everything, after space", story, "\n\n" + story + "ow.", "ow."},
		{"dots and the last words", story, "…the voice of the crow, and it sang.", "ow, and it sang."},
		{"dots that are the text", "He waited", "... and waited.", "... and waited."},
		{"announces", story, "Sure, continuing:\n\now, and it sang.", "ow, and it sang."},
		{"announces and repeats", story, "Of course! Here is the continuation:\n\nthe voice of the crow, and it sang.", "ow, and it sang."},
		{"announces in the same line", story, "Continuing from where I left off: the voice of the crow.", "ow."},
		{"announces in bold", story, "**Continuing from where I left off:**\n\now.", "ow."},
		{"announces after a paragraph", "First.\n\n", "Sure, I'll continue:\n\nSecond.", "Second."},
		{"announces after a sentence", "First.", "Continuing:\n\nSecond.", "\n\nSecond."},
		{"sure as text", "Are you certain? ", "Sure, I am.", "Sure, I am."},
		{"continue as text", "He said: ", "Continue to walk:\nthe path is long.", "Continue to walk:\nthe path is long."},
		{"continued as text", "The price", "continued to fall, for these reasons:\n- one", "continued to fall, for these reasons:\n- one"},
		{"continued as a sentence", "The price", "continued to rise until 1990.\nThen it fell.", "continued to rise until 1990.\nThen it fell."},
		{"continued as a word", "The war", "continued.\nIt ended.", "continued.\nIt ended."},
		{"continued before speech", "The teacher", "continued:\n“And so.”", "continued:\n“And so.”"},
		{"continuing as text", "They went on,", "continuing the tradition of their fathers:\nsilence.", "continuing the tradition of their fathers:\nsilence."},
		{"here as text", "The answer. ", "Here is the reason:\nlight.", "Here is the reason:\nlight."},
		{"a statement of a program", "for {\n\tif x {\n\t\t", "continue\n\t}\n", "continue\n\t}\n"},
		{"announces from the last message", story, "Continuation of my previous message:\n\now.", "ow."},
		{"inside a word", "a long representa", "tion of it", "tion of it"},
		{"the whole word again", "a long representa", "representation of it", "tion of it"},
		{"a short beginning of a word is not enough", "the pa", "paya tree", "paya tree"},
		{"reduplication", "They dance. ha", "ha ha", "ha ha"},
		{"digits", "It has 1", "100 legs", "100 legs"},
		{"a refrain", "We will rock you\nWe will rock you\n", "We will rock you\nSing it", "We will rock you\nSing it"},
		{"a rule that goes on", "text\n==========", "==========\n", "==========\n"},
		{"closing braces", "if a {\n\tif b {\n\t\tx()\n\t}\n", "}\n", "}\n"},
		{"space at the end", "one two ", " three", "three"},
		{"new lines at the end", "One.\n\n", "\n\nTwo.", "Two."},
		{"fewer new lines", "One.\n\n", "\nTwo.", "Two."},
		{"repeats, then the space at the end", "The first paragraph ends.\n\n", "The first paragraph ends.\n\nTwo.", "Two."},
		{"opens the code again", "```go\nfunc main() {\n\tfmt.Pri", "```go\n\tfmt.Println(1)\n}\n```", "ntln(1)\n}\n```"},
		{"opens the code again without indentation", "```go\nfunc main() {\n\tfmt.Pri", "```go\nfmt.Println(1)\n}\n```", "ntln(1)\n}\n```"},
		{"opens the code at the next line", "```go\nx := 1\n", "```go\ny := 2\n```", "y := 2\n```"},
		{"opens the code within a line", "```go\nx := 1", "```go\ny := 2\n```", "\ny := 2\n```"},
		{"closes the code", "```go\nx := 1\n", "```\nDone.", "```\nDone."},
		{"opens other code", "```go\nx := 1\n```\n", "```py\ny = 2\n```", "```py\ny = 2\n```"},
		{"a table row", "| a | b |\n|---|---|\n| one | tw", "| one | two |\n| x | y |", "o |\n| x | y |"},
		{"the next table row", "| a | b |\n|---|---|\n| one | two |\n", "| x | y |", "| x | y |"},
		{"the separator of a table", "| a | b |\n|---|", "---|\n", "---|\n"},
		{"a list item", "1. alpha\n2. be", "2. beta\n3. gamma", "ta\n3. gamma"},
		{"the next list item", "- alpha\n", "- beta\n", "- beta\n"},
		{"the last item again", "- a long first item\n- a long second item\n", "- a long second item\n- third\n", "- third\n"},
		{"inside a JSON string", `{"name": "Em`, `ma"}`, `ma"}`},
		{"the JSON again", `{"name": "Em`, `{"name": "Emma"}`, `ma"}`},
		{"the JSON again in a fence", `{"name": "Em`, "```json\n{\"name\": \"Emma\"}\n```", `ma"}`},
		{"inside a character", "👩‍", "👩‍💻 works", "💻 works"},
		{"an accent", "the cafe of the old town: cafe", "town: cafe\u0301 noir", "\u0301 noir"},
		{"Chinese", "从前有一只狐狸遇见了一只乌鸦,狐狸称赞乌鸦的声", "狐狸称赞乌鸦的声音很美", "音很美"},
		{"Chinese reduplication", "他笑了:哈", "哈哈", "哈哈"},
		{"everything is a repetition", story, "the voice of the cr", ""},
		{"nothing comes", story, "", ""},
		{"only space comes", story, "  \n", "  \n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pieces := range [][]string{{c.said}, strings.Split(c.said, ""), strings.SplitAfter(c.said, " ")} {
				if got := joined(t, c.before, continuation.Asked, pieces...); got != c.want {
					t.Errorf("%d pieces: got %q, want %q", len(pieces), got, c.want)
				}
			}
		})
	}
}

func TestJointOfPrefill(t *testing.T) {
	for _, c := range []struct {
		name, before string
		way          continuation.Way
		said, want   string
	}{
		{"goes on", "ha ha", continuation.Prefilled, " ha ha", " ha ha"},
		{"says the same", "one two three four five", continuation.Prefilled, "one two three four five six", "one two three four five six"},
		{"the space that was not sent", "x:\n    ", continuation.Prefilled, "\n    y", "y"},
		{"the text again", "one two ", continuation.Echoed, "one two three", "three"},
		{"the text not again", "one two", continuation.Echoed, " three", " three"},
		{"the text again, half", "one two", continuation.Echoed, "one", "one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, pieces := range [][]string{{c.said}, strings.Split(c.said, "")} {
				if got := joined(t, c.before, c.way, pieces...); got != c.want {
					t.Errorf("%d pieces: got %q, want %q", len(pieces), got, c.want)
				}
			}
		})
	}
}

// words makes a text of n different words.
func words(r *rand.Rand, n int) string {
	var b strings.Builder
	alphabet := []rune("abcdefghijklmnopqrstuvwxyzäöüß日本語")
	for i := range n {
		fmt.Fprintf(&b, "w%d", i) // so that no sequence of words occurs twice
		for range 1 + r.IntN(8) {
			b.WriteRune(alphabet[r.IntN(len(alphabet))])
		}
		b.WriteString([]string{" ", " ", " ", ", ", ".\n", "\n- "}[r.IntN(6)])
	}
	return strings.TrimSpace(b.String())
}

// anywhere returns a place between two characters of s.
func anywhere(r *rand.Rand, s string) int {
	n := r.IntN(len(s) + 1)
	for n < len(s) && !utf8.RuneStart(s[n]) {
		n++
	}
	return n
}

// pieces cuts s at random places.
func pieces(r *rand.Rand, s string) (out []string) {
	for s != "" {
		n := max(1, anywhere(r, s[:min(len(s), 20)]))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n++
		}
		out, s = append(out, s[:n]), s[n:]
	}
	return out
}

// A text that is cut anywhere and goes on is as it was before, whatever is repeated, and in
// whatever pieces it comes.
func TestAnyCutIsJoined(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		whole := words(r, 3+r.IntN(60))
		at := anywhere(r, whole)
		before, rest := whole[:at], whole[at:]
		if strings.TrimSpace(before) == "" || rest == "" {
			continue
		}
		repeated := ""
		if r.IntN(3) > 0 { // from the beginning of a word that is far enough from the end
			from := strings.LastIndex(before[:max(0, len(before)-24)], "w")
			if from < 0 {
				from = 0
			}
			repeated = before[from:]
		}
		intro := []string{"", "", "\n\n", "Sure, continuing:\n\n", "..."}[r.IntN(5)]
		if repeated == "" {
			intro = ""
		}
		got := joined(t, before, continuation.Asked, pieces(r, intro+repeated+rest)...)
		if strings.TrimSpace(before) != before { // the space where the text was cut may have come twice
			got = strings.TrimLeft(got, " \n")
			rest = strings.TrimLeft(rest, " \n")
		}
		if got != rest {
			t.Fatalf("before %q\nrepeated %q after %q\ngot  %q\nwant %q", before, repeated, intro, got, rest)
		}
	}
}

// What is removed is at the beginning, and what stays does not depend on the pieces.
func FuzzJoint(f *testing.F) {
	f.Add("Once upon a time", "upon a time there was", uint64(1))
	f.Add("```go\nx", "```go\nx := 1", uint64(2))
	f.Add(`{"a": [1, 2`, "Sure:\n```json\n{\"a\": [1, 2, 3]}\n```", uint64(3))
	f.Fuzz(func(t *testing.T, before, said string, seed uint64) {
		if !utf8.ValidString(before) || !utf8.ValidString(said) || strings.TrimSpace(before) == "" {
			return
		}
		whole := joined(t, before, continuation.Asked, said)
		r := rand.New(rand.NewPCG(seed, 2))
		if cut := joined(t, before, continuation.Asked, pieces(r, said)...); cut != whole {
			t.Fatalf("in pieces %q, at once %q", cut, whole)
		}
		if !strings.Contains(said, whole) {
			t.Fatalf("%q is not a piece of %q", whole, said)
		}
		if !strings.HasSuffix(said, whole) && !strings.Contains(said, "```") && !strings.Contains(said, "~~~") {
			t.Fatalf("%q does not end %q", whole, said)
		}
	})
}

// A correction of the type, as after reasoning without a tag, begins with the text before again.
func TestCorrectedType(t *testing.T) {
	before := "The answer is forty"
	var out []model.Event
	emit := func(e model.Event) error { out = append(out, e); return nil }
	j := continuation.New(before, continuation.Asked)
	for _, e := range []model.Event{
		{Chunk: chat.Chunk{Type: chat.ChunkContent, Content: "I should go on."}},
		{Chunk: chat.Chunk{Type: chat.ChunkReasoning}, Retype: true},
		{Chunk: chat.Chunk{Type: chat.ChunkContent, Content: "The answer is forty-two."}},
		{Notice: "a notice"},
		{Finish: &model.Finish{Reason: "stop"}},
	} {
		if err := j.Pass(e, emit); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"I should go on.", "void", "-two.", "a notice", "stop"}
	var got []string
	for _, e := range out {
		switch {
		case e.Void:
			got = append(got, "void")
		case e.Finish != nil:
			got = append(got, e.Finish.Reason)
		default:
			got = append(got, e.Notice+e.Chunk.Content)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestAsk(t *testing.T) {
	for before, want := range map[string]string{
		"short": "\nshort\n",
		"A sentence. And the second one that is cut in the middle of a wor": "second one that is cut in the middle of a wor\n",
		"| a | b |\n|":        "\n| a | b |\n|\n",
		"    indented code()": "\nindented code()\n",
	} {
		if got := continuation.Ask(before, nil); !strings.Contains(got, want) {
			t.Errorf("%q: %q does not contain %q", before, got, want)
		}
	}
	if got := continuation.Ask(`{"a"`, &chat.Format{Schema: []byte(`{"type":"object"}`)}); !strings.Contains(got, `{"type":"object"}`) {
		t.Errorf("JSON is not asked for: %q", got)
	}
}
