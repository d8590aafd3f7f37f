package provider

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"chat"
)

// maxText is the longest text of one Event, in bytes.
const maxText = 32 << 10

// maxReason bounds what a provider may call the end of an answer, in bytes.
const maxReason = 64

// answer puts the texts of frames together and emits them, checked.
type answer struct {
	limit int
	emit  func(Event) error

	frame     frame // the one being taken in
	size      int   // bytes received
	some      bool
	reason    string
	usage     *chat.Usage
	model     string
	named     text // what model was made of
	content   tail
	reasoning tail
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
		for _, d := range []*delta{&c.Delta, &c.Message} {
			before := a.size
			if err := a.take(d); err != nil {
				return grew, err
			}
			grew = grew || a.size > before
		}
		if c.Reason != "" {
			a.reason = clean(string(c.Reason), maxReason)
		}
	}
	return grew, nil
}

func (a *answer) take(d *delta) error {
	if err := a.text(chat.ChunkReasoning, &a.reasoning, d.thought()); err != nil {
		return err
	}
	if err := a.text(chat.ChunkContent, &a.content, string(d.Content)); err != nil {
		return err
	}
	return a.text(chat.ChunkContent, &a.content, string(d.Refusal))
}

func (a *answer) text(typ chat.ChunkType, t *tail, s string) error {
	if s == "" {
		return nil
	}
	a.size += len(s)
	if a.size > a.limit {
		return chat.Errorf(chat.CodeAnswerTooLarge, "the answer passed the limit of %d bytes and was stopped: ask for a shorter one", a.limit)
	}
	return a.send(typ, chat.NormalizeText(t.join(s)))
}

// send emits s in pieces of at most maxText bytes.
func (a *answer) send(typ chat.ChunkType, s string) error {
	for s != "" {
		n := len(s)
		if n > maxText {
			for n = maxText; !utf8.RuneStart(s[n]); n-- {
			}
		}
		a.some = true
		if err := a.emit(Event{Type: typ, Text: s[:n]}); err != nil {
			return err
		}
		s = s[n:]
	}
	return nil
}

// end emits what was held back, and the finish.
func (a *answer) end(from *endpoint) error {
	if err := a.send(chat.ChunkReasoning, chat.NormalizeText(a.reasoning.held)); err != nil {
		return err
	}
	if err := a.send(chat.ChunkContent, chat.NormalizeText(a.content.held)); err != nil {
		return err
	}
	if a.reason == "" {
		a.reason = "stop" // [DONE] alone says that much
	}
	if !a.some {
		return from.emptyAnswer(a.reason)
	}
	return a.emit(Event{Type: chat.ChunkContent, Finish: &Finish{Reason: a.reason, Usage: a.usage, Model: a.model}})
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
