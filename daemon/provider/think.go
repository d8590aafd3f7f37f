package provider

import (
	"slices"
	"strings"

	"chat"
)

// tag is a pair of marks between which a model writes its reasoning at the
// beginning of its answer, where the server does not set it apart.
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
	// leads stand before an answer, and are no part of it; trails behind one.
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

// closersOf is what ends reasoning that began with the tag of pair. Models mix up tags
// that are words, as in <think>…</thinking>.
func closersOf(pair tag) []string {
	if words := closes[:wordTags]; slices.Contains(words, pair.close) {
		return words
	}
	return []string{pair.close}
}

// wordTags is how many of the tags, the first ones, are a word in angle brackets.
const wordTags = 5

// thinkReader sets apart reasoning that stands in the content itself, between tags.
// Only the beginning of an answer can be that; the same words elsewhere are text.
// It holds back no more than what may be a mark, and the space before one.
//
// The templates of many models put the opening tag into the prompt, so that only the
// closing one arrives. What came before it was given out as content by then, and
// Event.Retype takes it back.
type thinkReader struct {
	emit func(typ chat.ChunkType, text string) error
	// retype says that all text so far is of another type than was said.
	retype func(typ chat.ChunkType) error
	// leavesOut: this model has been seen to leave out the opening tag, so that its
	// beginning is reasoning until its end says otherwise. It is what is known then.
	leavesOut bool
	apart     bool // the server sets reasoning apart: there are no tags to look for

	state   thinkState
	closing []string // what ends the reasoning
	held    string
	fresh   bool   // nothing has come since the last mark: space is dropped
	last    string // the end of what was given out of the reasoning
	trails  bool   // a lead was dropped
	place   place
	guessed bool // the reasoning has no opening tag, and no closing one yet
}

type thinkState int

const (
	atStart   thinkState = iota // only space has come
	inThought                   // of the reasoning
	inAnswer                    // of the answer, which may turn out to have been reasoning
	pastDoubt                   // of the answer, for good
)

// setApart says that the server sets reasoning apart.
func (t *thinkReader) setApart() {
	t.apart = true
	if t.state == inAnswer || t.guessed {
		t.state, t.guessed, t.leavesOut = pastDoubt, false, false
	}
}

// opensThought reports whether s begins, or may begin, with a mark.
func opensThought(s string) bool {
	at, mark, _ := find(strings.TrimLeft(s, space), starts)
	return at == 0 && mark != ""
}

// add takes in more of the content; at the end, what was held back is decided.
func (t *thinkReader) add(s string, end bool) error {
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

// start looks for a mark at the beginning, behind space.
func (t *thinkReader) start(s string, end bool) string {
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

// maxAttributes bounds what may stand in an opening tag behind its name, in bytes.
const maxAttributes = 100

// withAttributes is find for an opening tag at the beginning of s that has more than
// its name, as in <think time="3">: mark is the tag without it, length the whole.
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

// begin decides what a text without a mark at its beginning is.
func (t *thinkReader) begin() {
	switch {
	case t.fresh || t.apart:
		t.state = pastDoubt
	case t.leavesOut:
		t.state, t.closing, t.guessed, t.last = inThought, closes, true, ""
	default:
		t.state = inAnswer
	}
}

// hold keeps s for the next call; at the end, space alone is nothing.
func (t *thinkReader) hold(s string, end bool) {
	if !end && !t.fresh {
		t.held = s
	} else if !end {
		t.held = strings.TrimLeft(s, space)
	}
}

// thought takes reasoning, up to the tag that ends it.
func (t *thinkReader) thought(s string, end bool) (string, error) {
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

func (t *thinkReader) think(s string) error {
	if s == "" {
		return nil
	}
	t.last = s[len(s)-1:]
	return t.emit(chat.ChunkReasoning, s)
}

// answer takes the answer, while a closing tag could still say that it was none.
func (t *thinkReader) answer(s string, end bool) (string, error) {
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

// unopened takes a closing tag that has had no opening one, and what is before it.
func (t *thinkReader) unopened(before, mark, rest string) (string, error) {
	here := t.place
	here.line = slices.Clone(here.line)
	here.walk(before)
	if !here.closes() || strings.ContainsRune("`*_~", here.last) && strings.HasPrefix(rest, string(here.last)) {
		return rest, t.say(before + mark)
	}
	if err := t.say(strings.TrimRight(before, space)); err != nil {
		return "", err
	}
	t.state, t.fresh, t.leavesOut = atStart, true, true
	return rest, t.retype(chat.ChunkReasoning)
}

func (t *thinkReader) say(s string) error {
	if s == "" {
		return nil
	}
	t.place.walk(s)
	return t.emit(chat.ChunkContent, s)
}

// rest takes text that is the answer, whatever it looks like.
func (t *thinkReader) rest(s string, end bool) error {
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
	return t.emit(chat.ChunkContent, s)
}

func isClose(mark string) bool {
	for _, c := range closes {
		if c == mark && c != "<|end|>" {
			return true
		}
	}
	return false
}

// space is what may stand around a mark.
const space = " \t\r\n"

// lineEnds is where the line ends, and the space behind them, begin with which s
// ends: reasoning ends before them. Space alone is not held back.
func lineEnds(s string) int {
	text := strings.TrimRight(s, space)
	if i := strings.IndexByte(s[len(text):], '\n'); i >= 0 {
		return len(text) + i
	}
	return len(s)
}

// find is where in s the first of the marks stands. whole is false if s ends
// within it. Without one, at is len(s).
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

// inTicks reports whether a mark between before and after is spoken of, in inline code.
func inTicks(before, after string) bool {
	return strings.HasSuffix(before, "`") && strings.HasPrefix(after, "`")
}
