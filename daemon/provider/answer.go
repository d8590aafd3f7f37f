package provider

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"chat"
	"chat/daemon/model"
)

// maxText is the longest text of one Event, in bytes.
const maxText = 32 << 10

// maxReason bounds what a provider may call the end of an answer, in bytes.
const maxReason = 64

// answer puts the texts of frames together and emits them, checked.
type answer struct {
	limit int
	emit  func(model.Event) error

	frame     frame // the one being taken in
	size      int   // bytes received
	reason    string
	usage     *chat.Usage
	model     string
	named     text // what model was made of
	content   tail
	reasoning tail
	think     thinkReader
	repeated  repeats

	words, thought bool // something of the answer, of the reasoning has come
	called         bool // a tool was called
	calls          toolCalls
	extras
	notices []string
	unknown []byte // the last event that was not understood
}

// newAnswer is an answer of at most limit bytes. leavesOut is as in thinkReader.
func newAnswer(limit int, leavesOut bool, emit func(model.Event) error) *answer {
	a := &answer{limit: limit, emit: emit, calls: toolCalls{emit: emit}}
	a.think = thinkReader{leavesOut: leavesOut, emit: a.sort, retype: a.retype}
	return a
}

// add takes a frame in and emits its text. grew says that there was some.
func (a *answer) add(f *frame) (grew bool, err error) {
	if f.Model != "" && f.Model != a.named {
		a.named = f.Model
		a.model = clean(string(f.Model), maxModelID)
	}
	if f.Usage != nil && f.Usage.Usage != nil {
		a.usage = f.Usage.Usage
	}
	for i := range f.Choices {
		c := &f.Choices[i]
		if c.Index != 0 {
			continue
		}
		before := a.size
		err := a.take(&c.Delta)
		if err == nil && a.size == 0 { // beside deltas, a message repeats them
			err = a.take(&c.Message)
		}
		grew = grew || a.size > before
		if err != nil {
			return grew, err
		}
		if why := clean(string(c.Reason), maxReason); why != "" && why != "null" {
			a.reason = why
		}
	}
	return grew, nil
}

func (a *answer) take(d *delta) error {
	a.Pictures += d.Pictures
	a.Sounds += d.Sounds
	if err := a.reasonings([...]text{d.ReasoningContent, d.Reasoning, d.OtherReasoning}); err != nil {
		return err
	}
	if err := a.say(d); err != nil {
		return err
	}
	for _, c := range d.Calls {
		if err := a.call(c); err != nil {
			return err
		}
	}
	return nil
}

// call takes a piece of a tool call. All text before it is known by then.
func (a *answer) call(d callDelta) error {
	if err := a.grow(d.arguments); err != nil {
		return err
	}
	if err := a.release(); err != nil {
		return err
	}
	a.called = true
	return a.calls.add(d)
}

// say takes the text of a piece.
func (a *answer) say(d *delta) error {
	said := string(d.Content + d.Refusal)
	if said == "" {
		return nil
	}
	if err := a.grow(said); err != nil {
		return err
	}
	if d.Thought && a.think.state != inThought && !opensThought(said) {
		return a.sort(chat.ChunkReasoning, chat.NormalizeText(said))
	}
	return a.think.add(chat.NormalizeText(a.content.join(said)), false)
}

// reasonings takes the reasoning, by its names. Under several it is the same.
func (a *answer) reasonings(named [fromContent]text) error {
	first := origin(-1)
	for from, s := range named {
		switch {
		case s == "":
		case first < 0:
			first = origin(from)
			if err := a.setApart(); err != nil {
				return err
			}
			if err := a.grow(string(s)); err != nil {
				return err
			}
			said := a.reasoning.join(a.repeated.fresh(first, string(s)))
			if err := a.send(chat.ChunkReasoning, chat.NormalizeText(said)); err != nil {
				return err
			}
		default:
			a.repeated.level(origin(from))
		}
	}
	return nil
}

func (a *answer) grow(s string) error {
	a.size += len(s)
	if a.size > a.limit {
		return chat.Errorf(chat.CodeAnswerTooLarge, "the answer passed the limit of %d bytes and was stopped: ask for a shorter one", a.limit)
	}
	return nil
}

// sort emits a piece of the content, in which the reasoning is set apart by now.
func (a *answer) sort(typ chat.ChunkType, s string) error {
	if typ == chat.ChunkReasoning {
		s = a.repeated.fresh(fromContent, s)
	}
	return a.send(typ, s)
}

// send emits s in pieces of at most maxText bytes.
func (a *answer) send(typ chat.ChunkType, s string) error {
	if typ == chat.ChunkReasoning {
		a.thought = a.thought || s != ""
	} else {
		a.words = a.words || strings.TrimSpace(s) != ""
	}
	for s != "" {
		n := cut(s)
		if err := a.emit(model.Event{Chunk: chat.Chunk{Type: typ, Content: s[:n]}}); err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

// cut is how much of s goes into one event: all, or whole characters of at most maxText
// bytes.
func cut(s string) int {
	if len(s) <= maxText {
		return len(s)
	}
	n := maxText
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return n
}

// setApart is called at reasoning that the server sets apart itself: what was guessed
// to be reasoning is the answer then.
func (a *answer) setApart() error {
	guessed := a.think.guessed
	a.think.setApart()
	if guessed && a.thought {
		return a.retype(chat.ChunkContent)
	}
	return nil
}

// retype says that all that came is of type typ.
func (a *answer) retype(typ chat.ChunkType) error {
	some := a.words || a.thought
	a.words, a.thought = some && typ == chat.ChunkContent, some && typ == chat.ChunkReasoning
	return a.emit(model.Event{Chunk: chat.Chunk{Type: typ}, Retype: true})
}

// release emits what was held back for what could have followed, half a character apart.
func (a *answer) release() error { return a.think.add("", true) }

// end emits what was held back, the notices and the finish.
func (a *answer) end(from *endpoint) error {
	if err := a.send(chat.ChunkReasoning, chat.NormalizeText(a.reasoning.held)); err != nil {
		return err
	}
	if err := a.think.add(chat.NormalizeText(a.content.held), true); err != nil {
		return err
	}
	if a.reason == "" {
		a.reason = "stop" // [DONE] alone says that much
	}
	if a.think.guessed && chat.EndingOf(a.reason) == chat.EndingComplete {
		a.think.leavesOut = false
		if err := a.retype(chat.ChunkContent); err != nil {
			return err
		}
	}
	if err := a.calls.end(); err != nil {
		return err
	}
	if !a.words && !a.thought && !a.called {
		return from.emptyAnswer(a.reason, a.extras)
	}
	for _, notice := range append(a.notices, from.leftOut(a.extras)...) {
		if err := a.emit(model.Event{Notice: notice}); err != nil {
			return err
		}
	}
	return a.emit(model.Event{Finish: &model.Finish{Reason: a.reason, Usage: a.usage, Model: a.model}})
}

// tail holds back the beginning of a character whose end is yet to come.
type tail struct{ held string }

// join is the held-back bytes and s, without an unfinished character at the end.
func (t *tail) join(s string) string {
	if t.held != "" {
		s = joinSurrogates(t.held + s)
	}
	cut := unfinishedFrom(s)
	t.held = strings.Clone(s[cut:])
	return s[:cut]
}

// unfinishedFrom is where an incomplete character at the end of s begins, or
// len(s). A high surrogate (see unquote) is half a character.
func unfinishedFrom(s string) int {
	for i := len(s) - 1; i >= 0 && i >= len(s)-3; i-- {
		if !utf8.RuneStart(s[i]) {
			continue
		}
		if !utf8.FullRuneInString(s[i:]) || len(s)-i == 3 && utf16.IsSurrogate(surrogate(s[i:])) && surrogate(s[i:]) < lowSurrogates {
			return i
		}
		break
	}
	return len(s)
}

const lowSurrogates = 0xDC00

// surrogate is the surrogate that s begins with, or 0.
func surrogate(s string) rune {
	if len(s) < 3 || s[0] != 0xED || s[1] < 0xA0 || s[1] > 0xBF || s[2]&0xC0 != 0x80 {
		return 0
	}
	return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F)
}

// joinSurrogates makes one character of the two halves that s may begin with.
func joinSurrogates(s string) string {
	if high := surrogate(s); high != 0 {
		if r := utf16.DecodeRune(high, surrogate(s[3:])); r != utf8.RuneError {
			return string(r) + s[6:]
		}
	}
	return s
}
