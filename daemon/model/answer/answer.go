package answer

import (
	"strings"
	"unicode/utf8"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/completion"
	"chat/daemon/model/think"
)

// maxText is the longest text of one Event, in bytes.
const maxText = 32 << 10

// maxReason bounds a finish reason, in bytes.
const maxReason = 64

// Answer assembles the texts of frames and emits them, checked.
type Answer struct {
	limit int
	emit  func(model.Event) error

	size      int // bytes received
	reason    string
	usage     *chat.Usage
	model     string
	named     completion.Text // the name that model was cleaned from
	content   tail
	reasoning tail
	think     think.Reader
	repeated  repeats

	words, thought bool // text of the answer, of the reasoning has come
	called         bool // a tool was called
	calls          toolCalls
	completion.Extras
	notices []string
	apart   bool
}

// New returns an Answer of at most limit bytes. leavesOut is as in think.Reader.
func New(limit int, leavesOut bool, emit func(model.Event) error) *Answer {
	a := &Answer{limit: limit, emit: emit, calls: toolCalls{emit: emit}}
	a.think = think.Reader{LeavesOut: leavesOut, Emit: a.sort, Retype: a.retype}
	return a
}

// SetApart says that reasoning never stands in the content, whatever the content looks like.
func (a *Answer) SetApart() { a.apart = true }

// Reason is the finish reason, "" until the provider has given one.
func (a *Answer) Reason() string { return a.reason }

// Empty reports whether no text has come.
func (a *Answer) Empty() bool { return a.size == 0 }

// LeavesOut reports whether the model leaves out the tag that opens its reasoning.
func (a *Answer) LeavesOut() bool { return a.think.LeavesOut }

// KeepEnd restores the finish reason of a complete answer and adds a notice about what
// came after it.
func (a *Answer) KeepEnd(reason, notice string) {
	a.reason = reason
	a.notices = append(a.notices, notice)
}

// Add emits the text of a frame, and reports whether there was any.
func (a *Answer) Add(f *completion.Frame) (grew bool, err error) {
	if f.Model != "" && f.Model != a.named {
		a.named = f.Model
		a.model = model.OneLine(string(f.Model), model.MaxID)
	}
	if u := f.Tokens(); u != nil {
		a.usage = u
	}
	for i := range f.Choices {
		c := &f.Choices[i]
		if c.Index != 0 {
			continue
		}
		before := a.size
		err := a.addDelta(&c.Delta)
		if err == nil && a.size == 0 { // beside deltas, a message repeats them
			err = a.addDelta(&c.Message)
		}
		grew = grew || a.size > before
		if err != nil {
			return grew, err
		}
		if why := model.OneLine(string(c.Reason), maxReason); why != "" && why != "null" {
			a.reason = why
		}
	}
	return grew, nil
}

func (a *Answer) addDelta(d *completion.Delta) error {
	a.Pictures += d.Pictures
	a.Sounds += d.Sounds
	if err := a.addReasoning([...]completion.Text{d.ReasoningContent, d.Reasoning, d.OtherReasoning}); err != nil {
		return err
	}
	if err := a.addContent(d); err != nil {
		return err
	}
	for _, c := range d.Calls {
		if err := a.addCall(c); err != nil {
			return err
		}
	}
	return nil
}

// addCall adds a piece of a tool call. All text before it is decided by then.
func (a *Answer) addCall(d completion.CallDelta) error {
	if err := a.grow(d.Arguments); err != nil {
		return err
	}
	if err := a.Release(); err != nil {
		return err
	}
	a.called = true
	return a.calls.add(d)
}

// EndCall says that the call before is complete, so that the pieces of the next one pass through.
func (a *Answer) EndCall() { a.calls.started = false }

// Sign ends a part of reasoning with data for its provider. It may have no text.
func (a *Answer) Sign(data *chat.ProviderData) error {
	if data == nil {
		return nil
	}
	return a.emit(model.Event{Chunk: chat.Chunk{Type: chat.ChunkReasoning, ProviderData: data}})
}

// addContent adds the content of a piece.
func (a *Answer) addContent(d *completion.Delta) error {
	said := string(d.Content + d.Refusal)
	if said == "" {
		return nil
	}
	if err := a.grow(said); err != nil {
		return err
	}
	if a.apart {
		return a.send(chat.ChunkContent, chat.NormalizeText(a.content.join(said)))
	}
	if d.Thought && !a.think.InReasoning() && !think.Opens(said) {
		return a.sort(chat.ChunkReasoning, chat.NormalizeText(said))
	}
	return a.think.Add(chat.NormalizeText(a.content.join(said)), false)
}

// addRest adds the end of the content.
func (a *Answer) addRest(said string) error {
	if a.apart {
		return a.send(chat.ChunkContent, said)
	}
	return a.think.Add(said, true)
}

// addReasoning adds the reasoning, by its names. It is the same under each.
func (a *Answer) addReasoning(named [fromContent]completion.Text) error {
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

func (a *Answer) grow(s string) error {
	a.size += len(s)
	if a.size > a.limit {
		return chat.Errorf(chat.CodeAnswerTooLarge, "the answer passed the limit of %d bytes and was stopped: ask for a shorter one", a.limit)
	}
	return nil
}

// sort emits a piece of the content, whose type is decided.
func (a *Answer) sort(typ chat.ChunkType, s string) error {
	if typ == chat.ChunkReasoning {
		s = a.repeated.fresh(fromContent, s)
	}
	return a.send(typ, s)
}

// send emits s in pieces of at most maxText bytes.
func (a *Answer) send(typ chat.ChunkType, s string) error {
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

// cut returns how much of s goes into one event: whole characters of at most maxText bytes.
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

// setApart is called when the server separates reasoning itself: text that was guessed to
// be reasoning is the answer then.
func (a *Answer) setApart() error {
	guessed := a.think.Guessed()
	a.think.SetApart()
	if guessed && a.thought {
		return a.retype(chat.ChunkContent)
	}
	return nil
}

// retype changes the type of all text so far.
func (a *Answer) retype(typ chat.ChunkType) error {
	some := a.words || a.thought
	a.words, a.thought = some && typ == chat.ChunkContent, some && typ == chat.ChunkReasoning
	return a.emit(model.Event{Chunk: chat.Chunk{Type: typ}, Retype: true})
}

// Release emits what was held back, except for half a character.
func (a *Answer) Release() error { return a.think.Add("", true) }

// End emits what was held back, the notices and the finish.
func (a *Answer) End(host string) error {
	if err := a.send(chat.ChunkReasoning, chat.NormalizeText(a.reasoning.held)); err != nil {
		return err
	}
	if err := a.addRest(chat.NormalizeText(a.content.held)); err != nil {
		return err
	}
	if a.reason == "" {
		a.reason = "stop" // [DONE] alone says that much
	}
	if a.think.Guessed() && chat.EndingOf(a.reason) == chat.EndingComplete {
		a.think.LeavesOut = false
		if err := a.retype(chat.ChunkContent); err != nil {
			return err
		}
	}
	if err := a.calls.end(); err != nil {
		return err
	}
	if !a.words && !a.thought && !a.called {
		return emptyAnswer(host, a.reason, a.Extras)
	}
	for _, notice := range append(a.notices, leftOut(host, a.Extras)...) {
		if err := a.emit(model.Event{Notice: notice}); err != nil {
			return err
		}
	}
	return a.emit(model.Event{Finish: &model.Finish{Reason: a.reason, Usage: a.usage, Model: a.model}})
}
