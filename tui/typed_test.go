package tui

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"

	"chat/internal/term/keyboard"
)

// pieces is a terminal that returns one piece per read.
type pieces struct {
	keys   *keyboard.Reader
	out    *os.File
	pieces []string
}

func (p *pieces) Read(buf []byte) (int, error) {
	if len(p.pieces) == 0 {
		return 0, io.EOF
	}
	piece := p.pieces[0]
	p.pieces = p.pieces[1:]
	if _, err := io.WriteString(p.out, piece); err != nil {
		return 0, err
	}
	return p.keys.Read(buf)
}

// recorder collects what Bubble Tea makes of keys, up to F20.
type recorder struct{ msgs *[]tea.Msg }

func (recorder) Init() tea.Cmd { return nil }
func (recorder) View() string  { return "" }
func (r recorder) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if key, ok := msg.(tea.KeyMsg); ok {
		if key.Type == tea.KeyF20 {
			return r, tea.Quit
		}
		*r.msgs = append(*r.msgs, key)
	}
	return r, nil
}

// parsed are the messages that reads of a terminal become.
func parsed(t *testing.T, reads ...string) []tea.Msg {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var msgs []tea.Msg
	input := &pieces{&keyboard.Reader{File: in}, out, append(slices.Clone(reads), "\x1b[34~")}
	program := tea.NewProgram(recorder{&msgs}, tea.WithInput(input), tea.WithoutRenderer(),
		tea.WithoutSignalHandler(), tea.WithFilter(filter), tea.WithOutput(io.Discard))
	if _, err := program.Run(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(in.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return msgs
}

// arrive hands reads of the terminal to the screen.
func (s *screenTest) arrive(reads ...string) {
	s.t.Helper()
	for _, msg := range parsed(s.t, reads...) {
		s.send(msg)
	}
}

// keyNames are the names of all keys: those that Bubble Tea knows, in the forms that
// the config file takes, and those that the table has with the given keys.
func keyNames(set map[string][]string) []string {
	names := []string{
		"return", "escape", "pageup", "page-down", "PgUp", "del", "space", "ctrl+i", "ctrl+m", "ctrl+[", "shift+enter", "runes", "Enter",
		"alt+b", "alt+enter", "alt+up", "alt+delete", "alt+ctrl+c", "[enter]", "ctrl+c ctrl+c", "esc esc",
	}
	for k := tea.KeyType(-200); k <= 127; k++ {
		if name := (tea.Key{Type: k}).String(); len(name) > 1 {
			names = append(names, name)
		}
	}
	for _, a := range Actions(set) {
		names = append(names, a.Name)
		for _, k := range a.Keys {
			if len([]rune(k)) > 1 {
				names = append(names, k)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// texts are texts that look like keys, besides the names of keys.
var texts = []string{
	"now press enter", "look it up", "the end", "down the road", "a tab and a delete", "ctrl+d quits", "home, sweet home",
	"Y1", "yy", "rr", "key", "grey", "fry", "eye of the tiger", "y r e f", "g y", "regenerate", "if i were", "je suis", "q", "?", "??", "? what",
	"日本語", "の", "你好 世界", "e\u0301", "👩‍👩‍👧", "ñandú", "100 % / 2", "[x](y)", "<b>", "‹a›", "a\tb", "x y\tz", "--\ttail", "/quit", "@none", "!ls",
}

// A focus is a part of the screen that keys go to: the reads that open it, and the
// effect of a text there.
type focus struct {
	name string
	open []string // reads
	text func(m *Model) string
	// keys are characters that are keys there: one alone is none of the texts.
	keys    string
	oneLine bool // a tab is a space there
}

func focuses() []focus {
	input := func(m *Model) string { return m.input.Value() }
	query := func(m *Model) string {
		if m.list.Current() == nil {
			return "(closed)"
		}
		return m.list.Current().Query()
	}
	question := func(m *Model) string {
		if m.question == nil {
			return "(closed)"
		}
		return m.question.input.Value()
	}
	return []focus{
		{"the input", nil, input, "?", false},
		{"an input with a draft", []string{"draft ", "\x15"}, input, "?", false},
		{"the transcript", []string{"\t"}, input, "?[]<>‹›gGkjyYercfi", false},
		{"the help", []string{"\x10", "this help", "\r"}, input, "?kjq ", false},
		{"the conversations", []string{"\x0b"}, query, "", true},
		{"the models", []string{"\x0c"}, query, "", true},
		{"the tasks", []string{"\x02"}, query, "", true},
		{"the commands", []string{"\x10"}, query, "", true},
		{"the prompts of before", []string{"\x12"}, query, "", true},
		{"a title", []string{"\x10", "rename the", "\r", "\x15"}, question, "", false},
		{"a title from the list", []string{"\x0b", "\x12", "\x15"}, question, "", false},
	}
}

// cuts are the offsets at which a text that arrives in two reads is cut.
func (f focus) cuts(text string, all bool) []int {
	cuts := []int{0}
	for cut := 1; cut < len(text); cut++ {
		pressed := strings.Trim(strings.ToValidUTF8(text[:cut], ""), f.keys) == "" // alone, that is a key there, or some
		tab := text[cut] == '\t' || text[cut-1] == '\t'                            // at an end, it is the key
		if !pressed && !tab {
			cuts = append(cuts, cut)
		}
	}
	if !all && len(cuts) > 2 {
		cuts = []int{0, cuts[len(cuts)/2]}
	}
	return cuts
}

// expect tries a text at one focus.
func (f focus) expect(t *testing.T, set map[string][]string, text string, cut int) {
	t.Helper()
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer with\n```\ncode\n```\n```\nmore\n```\n")
	s := start(t, backend, 80, 24, full, keys(set), func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	reads := slices.DeleteFunc([]string{text[:cut], text[cut:]}, func(read string) bool { return read == "" })
	s.arrive(append(slices.Clone(f.open), reads...)...)
	want := text
	if f.oneLine {
		want = strings.ReplaceAll(text, "\t", " ")
	}
	if got := f.text(s.m); got != want || s.quit || len(backend.contents()) > 0 {
		t.Errorf("%q read as %q is %q (quit: %v, sent: %q); the screen:\n%s", text, reads, got, s.quit, backend.contents(), s.screen())
	}
}

func (f focus) expectAll(t *testing.T, set map[string][]string) {
	t.Parallel()
	for _, name := range keyNames(set) {
		for _, cut := range f.cuts(name, false) {
			f.expect(t, set, name, cut)
		}
	}
	for _, text := range texts {
		if len([]rune(text)) == 1 && strings.Contains(f.keys, text) {
			continue
		}
		for _, cut := range f.cuts(text, true) {
			f.expect(t, set, text, cut)
		}
	}
}

func TestTypedTextIsNeverAKey(t *testing.T) {
	for _, f := range focuses() {
		t.Run(f.name, func(t *testing.T) { f.expectAll(t, nil) })
	}
}

func TestTypedTextIsNeverARemappedKey(t *testing.T) {
	set := map[string][]string{
		"fork": {"u"}, "regenerate": {"p"}, "copy": {"n"}, "edit": {"d"}, "quit": {"alt+q", "f4"}, "new": {"f1"}, "tasks": {"shift+tab"},
		"scroll-down": {" ", "s"}, "sibling-after": {"t"},
	}
	if wrong := CheckKeys(set); len(wrong) > 0 {
		t.Fatal(wrong)
	}
	for _, f := range focuses() {
		switch f.name {
		case "the transcript":
			f.keys = "?[]<‹gGkjYipundstc "
		case "the input", "the help", "the commands":
		default:
			continue
		}
		t.Run(f.name, func(t *testing.T) { f.expectAll(t, set) })
	}
}

// Marked pastes are texts, even single characters of them.
func TestPastedTextIsNeverAKey(t *testing.T) {
	for _, f := range focuses() {
		backend := newFake()
		id := backend.add("Tides", "a question", "an answer")
		for _, text := range []string{"enter", "r", "?", "q", " ", "ctrl+d", "jjj", "[e", "no"} {
			s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
			s.untilShown("an answer")
			s.arrive(append(slices.Clone(f.open), "\x1b[200~"+text+"\x1b[201~")...)
			if got := f.text(s.m); got != text {
				t.Errorf("%s: %q is %q", f.name, text, got)
			}
		}
	}
}

// Keys next to a text stay keys, and so do the repeats of a key that is held down.
func TestKeysAmongTextStayKeys(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", strings.Repeat("a line\n\n", 60))
	for _, c := range []struct {
		read string
		want func(m *Model) bool
	}{
		{"one\x1b[D\x1b[Dtwo", func(m *Model) bool { return m.input.Value() == "otwone" }},
		{"one two\x17", func(m *Model) bool { return m.input.Value() == "one " }},
		{"one\x0bti", func(m *Model) bool {
			return m.list.Current() != nil && m.list.Current().Query() == "ti" && m.input.Value() == "one"
		}},
		{"\t[", func(m *Model) bool {
			return m.conversation.Reading() && m.conversation.Selected() == m.conversation.Shown()[0]
		}},
		{"\tkkkk", func(m *Model) bool { return m.conversation.Reading() && !m.conversation.AtEnd() && m.input.Empty() }},
		{"\tgG", func(m *Model) bool { return m.conversation.Reading() && m.conversation.AtEnd() && m.input.Empty() }},
		{"\t[[e", func(m *Model) bool { return !m.conversation.Reading() && m.input.Value() == "a question" }},
		{"\tGr now", func(m *Model) bool { return !m.conversation.Reading() && m.input.Value() == "Gr now" }},
		{"one\t", func(m *Model) bool { return m.conversation.Reading() && m.input.Value() == "one" }},
		{"\x1bbx", func(m *Model) bool { return m.input.Value() == "x" }},
		{"\x1b[13;2ux y", func(m *Model) bool { return m.input.Value() == "\nx y" }},
	} {
		s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
		s.untilShown("a line")
		s.arrive(c.read)
		if !c.want(s.m) {
			t.Errorf("%q: the input is %q; the screen:\n%s", c.read, s.m.input.Value(), s.screen())
		}
	}
}

func TestOnlyAKeyPressSelectsCodeBlock(t *testing.T) {
	backend := newFake()
	id := backend.add("Tides", "a question", "an answer with\n```\ncode\n```\n```\nmore\n```\n")
	s := start(t, backend, 80, 24, full, func(o *Options) { o.ConversationID = id })
	s.untilShown("an answer")
	s.arrive("\t", "Y", "12 monkeys")
	if got := s.m.input.Value(); got != "12 monkeys" {
		t.Errorf("the input is %q", got)
	}
}
