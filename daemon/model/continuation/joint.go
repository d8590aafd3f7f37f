package continuation

import (
	"strings"

	"chat"
	"chat/daemon/model"
)

// Way is how a text is continued.
type Way int

// The ways.
const (
	Asked     Way = iota // a message asks for the continuation (Ask)
	Prefilled            // the provider goes on with the text itself
	Echoed               // the same, and its answer begins with the whole text again
)

// Joint passes the events of a continuation on, without what its text repeats of the text
// before. Nothing is passed on until that is decided, which takes a few words as a rule and as
// much text as is repeated at most. Reasoning is left out: the text before and after it is one.
type Joint struct {
	before string
	way    Way
	text   *text

	all     strings.Builder // everything that came, for a correction of its type
	held    string          // not passed on yet
	decided bool
	fence   bool // the end of a code fence at the end is to be removed
}

// New returns a Joint for a text that was sent as Trim returns it.
func New(before string, way Way) *Joint {
	return &Joint{before: before, way: way, text: newText(before)}
}

// Pass passes an event on.
func (j *Joint) Pass(e model.Event, emit func(model.Event) error) error {
	switch {
	case e.Finish != nil:
		if err := j.End(emit); err != nil {
			return err
		}
	case e.Void, e.Retype:
		all := ""
		if e.Retype {
			all = j.all.String()
		}
		*j = *New(j.before, j.way)
		if err := emit(model.Event{Void: true}); err != nil {
			return err
		}
		e.Chunk.Content = all + e.Chunk.Content
		return j.add(e.Chunk, emit)
	case e.Notice == "" && e.Upstream == "":
		return j.add(e.Chunk, emit)
	}
	return emit(e)
}

// End passes on what was held back.
func (j *Joint) End(emit func(model.Event) error) error {
	text := j.next("", true)
	if j.fence && strings.Trim(text, "`~ \t\r\n") == "" {
		text = ""
	}
	return j.emit(text, emit)
}

func (j *Joint) add(c chat.Chunk, emit func(model.Event) error) error {
	switch c.Type {
	case chat.ChunkReasoning:
		j.all.WriteString(c.Content)
		return nil
	case chat.ChunkContent:
		j.all.WriteString(c.Content)
		return j.emit(j.next(c.Content, false), emit)
	case chat.ChunkToolCall, chat.ChunkToolResult, chat.ChunkReset, chat.ChunkDone, chat.ChunkError:
	default:
	}
	if c.Type == "" {
		return nil
	}
	if err := j.End(emit); err != nil {
		return err
	}
	return emit(model.Event{Chunk: c})
}

func (j *Joint) emit(text string, emit func(model.Event) error) error {
	if text == "" {
		return nil
	}
	return emit(model.Event{Chunk: chat.Chunk{Type: chat.ChunkContent, Content: text}})
}

// next adds a piece of the text, and returns what is decided of it.
func (j *Joint) next(piece string, last bool) string {
	j.held += piece
	if !j.decided {
		c, decided := j.cut(last)
		if !decided {
			return ""
		}
		j.held, j.fence, j.decided = j.held[c.drop:], c.fence, true
	}
	out := j.held
	if j.fence && !last {
		out = out[:lastLine(out)]
	}
	j.held = j.held[len(out):]
	return out
}

// cut decides about the beginning of the continuation.
func (j *Joint) cut(last bool) (cut, bool) {
	if j.way == Asked {
		return j.text.overlap(j.held, last)
	}
	again := j.way == Echoed && strings.HasPrefix(j.held, j.text.trimmed)
	if j.way == Echoed && !again && !last && strings.HasPrefix(j.text.trimmed, j.held) {
		return cut{}, false
	}
	drop := 0
	if again {
		drop = len(j.text.trimmed)
	}
	space, more := j.text.sameSpace(j.held[drop:])
	return cut{drop: drop + space}, !more || last
}

// lastLine returns where the last line begins that may be the end of a code fence, with the
// space before it.
func lastLine(s string) int {
	line := strings.LastIndexByte(strings.TrimRight(s, " \t\r\n"), '\n') + 1
	if strings.Trim(s[line:], "`~ \t\r\n") != "" {
		return len(s)
	}
	return len(strings.TrimRight(s[:line], " \t\r\n"))
}
