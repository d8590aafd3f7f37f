package think

import (
	"slices"
	"strings"

	"chat"
)

// tag is a pair of marks between which a model writes its reasoning at the beginning of
// its answer, if the server does not separate it.
type tag struct{ open, close string }

var (
	tags = []tag{ //nolint:gochecknoglobals // a constant in all but type
		{"<think>", "</think>"},                         // DeepSeek, Qwen, GLM, MiniMax, Nemotron, Phi, Granite
		{"<thinking>", "</thinking>"},                   // Amazon Nova, Claude by its prompt
		{"<thought>", "</thought>"},                     // Gemini's OpenAI layer, EXAONE Deep
		{"<reasoning>", "</reasoning>"},                 // gpt-oss on Amazon Bedrock
		{"<reason>", "</reason>"},                       // by prompts
		{"<seed:think>", "</seed:think>"},               // Seed-OSS
		{"<longcat_think>", "</longcat_think>"},         // LongCat
		{"[THINK]", "[/THINK]"},                         // Magistral
		{"◁think▷", "◁/think▷"},                         // Kimi
		{"<|begin_of_thought|>", "<|end_of_thought|>"},  // Sky-T1, OpenThinker
		{"<|START_THINKING|>", "<|END_THINKING|>"},      // Command A Reasoning
		{"<|channel|>analysis<|message|>", "<|end|>"},   // gpt-oss: Harmony
		{"<|channel|>commentary<|message|>", "<|end|>"}, // the same
		{"<|channel>thought", "<channel|>"},             // Gemma 4
	}
	// leads precede an answer, and trails follow it; neither is part of it.
	leads  = []string{"<|start|>assistant", "<|channel|>final<|message|>", "<|START_RESPONSE|>", "<|begin_of_solution|>"} //nolint:gochecknoglobals // a constant in all but type
	trails = []string{"<|return|>", "<|end|>", "<|END_RESPONSE|>", "<|end_of_solution|>"}                                 //nolint:gochecknoglobals // a constant in all but type

	opens  = marksOf(func(t tag) string { return t.open })                        //nolint:gochecknoglobals // a constant in all but type
	closes = marksOf(func(t tag) string { return t.close })                       //nolint:gochecknoglobals // a constant in all but type
	starts = append(append(append([]string(nil), opens...), closes...), leads...) //nolint:gochecknoglobals // a constant in all but type
)

func marksOf(mark func(tag) string) []string {
	var out []string
	for _, t := range tags {
		out = append(out, mark(t))
	}
	return out
}

// closersOf returns the marks that end reasoning that pair opened. Models confuse tags that
// are words, as in <think>…</thinking>.
func closersOf(pair tag) []string {
	if words := closes[:wordTags]; slices.Contains(words, pair.close) {
		return words
	}
	return []string{pair.close}
}

// wordTags is how many of the tags, the first ones, are a word in angle brackets.
const wordTags = 5

// Reader separates reasoning from content. The templates of many models put the opening
// tag into the prompt, so that only the closing one arrives. The text before it was
// emitted as content by then, and Retype corrects it.
type Reader struct {
	Emit func(typ chat.ChunkType, text string) error
	// Retype says that all text so far is of another type than was emitted.
	Retype func(typ chat.ChunkType) error
	// LeavesOut says that the model is known to omit the opening tag, so that its answer
	// begins with reasoning unless the end shows otherwise. Reading updates it.
	LeavesOut bool
	apart     bool // the server separates the reasoning: there are no tags

	state   state
	closing []string // what ends the reasoning
	held    string
	fresh   bool   // no text has come since the last mark: space is dropped
	last    string // the end of the reasoning that was emitted
	trails  bool   // a lead was dropped
	context markdownContext
	guessed bool // the reasoning has no opening tag, and no closing one yet
}

type state int

const (
	atStart   state = iota // only space has come
	inThought              // of the reasoning
	inAnswer               // of the answer, which may still turn out to be reasoning
	pastDoubt              // of the answer, for good
)

// SetApart says that the server separates the reasoning.
func (t *Reader) SetApart() {
	t.apart = true
	if t.state == inAnswer || t.guessed {
		t.state, t.guessed, t.LeavesOut = pastDoubt, false, false
	}
}

// Guessed reports whether the text so far is taken for reasoning without any tag.
func (t *Reader) Guessed() bool { return t.guessed }

// InReasoning reports whether the next text belongs to reasoning between tags.
func (t *Reader) InReasoning() bool { return t.state == inThought }

// Opens reports whether s begins, or may begin, with a mark.
func Opens(s string) bool {
	at, mark, _ := find(strings.TrimLeft(s, space), starts)
	return at == 0 && mark != ""
}

// Add reads more of the content. At the end, it emits what was held back.
func (t *Reader) Add(s string, end bool) error {
	s = t.held + s
	t.held = ""
	for {
		before := len(s)
		var err error
		switch t.state {
		case atStart:
			s = t.start(s, end)
		case inThought:
			s, err = t.thought(s, end)
		case inAnswer:
			s, err = t.answer(s, end)
		case pastDoubt:
			return t.rest(s, end)
		}
		if err != nil || t.held != "" || s == "" || len(s) == before && t.state == atStart {
			return err
		}
	}
}

// start reads the beginning, which may be a mark after space.
func (t *Reader) start(s string, end bool) string {
	text := strings.TrimLeft(s, space)
	if text == "" {
		t.hold(s, end)
		return ""
	}
	at, mark, whole := find(text, starts)
	length := len(mark)
	if at > 0 || mark == "" {
		at, mark, length, whole = withAttributes(text)
	}
	switch {
	case at > 0 || mark == "" || !whole && end:
		if t.fresh {
			s = text
		}
		t.begin()
		return s
	case !whole:
		t.hold(s, end)
		return ""
	}
	t.fresh = true
	for _, pair := range tags {
		if mark == pair.open {
			t.state, t.closing, t.last = inThought, closersOf(pair), ""
		}
	}
	for _, lead := range leads {
		t.trails = t.trails || mark == lead
	}
	return text[length:] // a closing mark at the beginning closes nothing
}

// maxAttributes bounds the text after the name in an opening tag, in bytes.
const maxAttributes = 100

// withAttributes is find for an opening tag with attributes at the beginning of s, as in
// <think time="3">. mark is the tag without them, length the length with them.
func withAttributes(s string) (at int, mark string, length int, whole bool) {
	for _, pair := range tags[:wordTags] {
		name := strings.TrimSuffix(pair.open, ">")
		if len(s) <= len(name) || !strings.EqualFold(s[:len(name)], name) || !strings.ContainsRune(space, rune(s[len(name)])) {
			continue
		}
		rest := s[len(name):]
		switch i := strings.IndexAny(rest, "<>\n"); {
		case i < 0 && len(rest) <= maxAttributes:
			return 0, pair.open, 0, false
		case i > 0 && i <= maxAttributes && rest[i] == '>':
			return 0, pair.open, len(name) + i + 1, true
		}
	}
	return len(s), "", 0, false
}

// begin decides the type of a text that does not begin with a mark.
func (t *Reader) begin() {
	switch {
	case t.fresh || t.apart:
		t.state = pastDoubt
	case t.LeavesOut:
		t.state, t.closing, t.guessed, t.last = inThought, closes, true, ""
	default:
		t.state = inAnswer
	}
}

// hold keeps s for the next call. At the end, space alone is dropped.
func (t *Reader) hold(s string, end bool) {
	if !end && !t.fresh {
		t.held = s
	} else if !end {
		t.held = strings.TrimLeft(s, space)
	}
}

// thought reads reasoning, up to the tag that ends it.
func (t *Reader) thought(s string, end bool) (string, error) {
	if t.fresh {
		if s = strings.TrimLeft(s, space); s == "" {
			return "", nil
		}
		t.fresh = false
	}
	at, mark, whole := find(s, t.closing)
	if whole && !end && len(s) == at+len(mark) && inTicks(t.last+s[:at], "`") {
		whole = false // what comes next decides
	}
	switch {
	case whole && inTicks(t.last+s[:at], s[at+len(mark):]):
		return s[at+len(mark):], t.think(s[:at+len(mark)])
	case whole:
		err := t.think(strings.TrimRight(s[:at], space))
		t.state, t.fresh, t.guessed = atStart, true, false
		return s[at+len(mark):], err
	case end && t.guessed:
		return "", t.think(s)
	case end:
		return "", t.think(strings.TrimRight(s, space))
	}
	keep := lineEnds(s[:at])
	t.held = s[keep:]
	return "", t.think(s[:keep])
}

func (t *Reader) think(s string) error {
	if s == "" {
		return nil
	}
	t.last = s[len(s)-1:]
	return t.Emit(chat.ChunkReasoning, s)
}

// answer reads the answer while a closing tag may still show that it is reasoning.
func (t *Reader) answer(s string, end bool) (string, error) {
	at, mark, whole := find(s, starts)
	switch {
	case mark == "" || !whole && end:
		at = len(s)
	case whole && !isClose(mark):
		t.state = pastDoubt // it writes about tags
		return s, nil
	case whole && (end || len(s) > at+len(mark)): // what comes next counts, too
		return t.unopened(s[:at], s[at:at+len(mark)], s[at+len(mark):])
	}
	keep := at
	if !end {
		keep = lineEnds(s[:at])
		t.held = s[keep:]
	}
	return "", t.say(s[:keep])
}

// unopened reads a closing tag without an opening one, and the text before it.
func (t *Reader) unopened(before, mark, rest string) (string, error) {
	here := t.context
	here.line = slices.Clone(here.line)
	here.advance(before)
	if !here.closes() || strings.ContainsRune("`*_~", here.last) && strings.HasPrefix(rest, string(here.last)) {
		return rest, t.say(before + mark)
	}
	if err := t.say(strings.TrimRight(before, space)); err != nil {
		return "", err
	}
	t.state, t.fresh, t.LeavesOut = atStart, true, true
	return rest, t.Retype(chat.ChunkReasoning)
}

func (t *Reader) say(s string) error {
	if s == "" {
		return nil
	}
	t.context.advance(s)
	return t.Emit(chat.ChunkContent, s)
}

// rest reads text that is the answer, whatever it contains.
func (t *Reader) rest(s string, end bool) error {
	if t.trails {
		at, mark, whole := find(s, trails)
		if !end {
			keep := lineEnds(s[:at])
			t.held, s = s[keep:], s[:keep]
		} else if whole && strings.TrimSpace(s[at+len(mark):]) == "" {
			s = strings.TrimRight(s[:at], space)
		}
	}
	if s == "" {
		return nil
	}
	return t.Emit(chat.ChunkContent, s)
}

func isClose(mark string) bool {
	for _, c := range closes {
		if c == mark && c != "<|end|>" {
			return true
		}
	}
	return false
}

// space may surround a mark.
const space = " \t\r\n"

// lineEnds returns where the trailing line ends of s begin: reasoning ends before them.
// Space alone is not held back.
func lineEnds(s string) int {
	text := strings.TrimRight(s, space)
	if i := strings.IndexByte(s[len(text):], '\n'); i >= 0 {
		return len(text) + i
	}
	return len(s)
}

// find returns the position of the first of the marks in s. whole is false if s ends within
// the mark. Without a mark, at is len(s).
func find(s string, marks []string) (at int, mark string, whole bool) {
	for i := range len(s) {
		if c := s[i]; c != '<' && c != '[' && c != "◁"[0] {
			continue
		}
		rest, partial := s[i:], ""
		for _, m := range marks {
			if len(rest) >= len(m) && strings.EqualFold(rest[:len(m)], m) {
				return i, m, true
			}
			if len(rest) < len(m) && strings.EqualFold(rest, m[:len(rest)]) {
				partial = m
			}
		}
		if partial != "" {
			return i, partial, false
		}
	}
	return len(s), "", false
}

// inTicks reports whether a mark between before and after is quoted in inline code.
func inTicks(before, after string) bool {
	return strings.HasSuffix(before, "`") && strings.HasPrefix(after, "`")
}
