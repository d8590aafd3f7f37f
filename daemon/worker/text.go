package worker

import (
	"slices"
	"time"

	"chat"
)

// replay adds what an earlier attempt received.
func (a *attempt) replay(previous chat.Parts) {
	for _, c := range previous.Chunks() {
		a.apply(c)
	}
}

// add adds the next chunk of the answer.
func (a *attempt) add(c chat.Chunk) {
	if c.Content == "" && c.CallID == "" && c.ProviderData == nil {
		return
	}
	now := time.Now()
	if a.first.IsZero() {
		a.first = now
	}
	if c.Type != chat.ChunkReasoning {
		a.endReasoning()
	} else if a.reasoning.IsZero() {
		a.reasoning = now
	}
	a.apply(c)
}

// apply appends a chunk to the answer and to the log.
func (a *attempt) apply(c chat.Chunk) {
	a.parts.Apply(c)
	if a.log != nil && !a.unlogged {
		a.log.Add(c)
	}
}

// endReasoning records the duration of the reasoning, if it is the last part.
func (a *attempt) endReasoning() {
	if a.reasoning.IsZero() {
		return
	}
	duration := max(1, time.Since(a.reasoning).Milliseconds())
	a.reasoning = time.Time{}
	a.apply(chat.Chunk{Type: chat.ChunkReasoning, DurationMS: duration})
}

// retype changes the type of all text so far. Readers drop what they have and receive
// it again.
func (a *attempt) retype(typ chat.ChunkType) {
	text, since := a.parts.Reasoning()+a.parts.Text(), a.first
	a.drop()
	a.add(chat.Chunk{Type: typ, Content: text})
	if typ == chat.ChunkReasoning && text != "" {
		a.reasoning = since
	}
}

// drop discards the answer so far.
func (a *attempt) drop() {
	a.apply(chat.Chunk{Type: chat.ChunkReset})
	a.reasoning = time.Time{}
}

// addNotice adds a notice unless it is there.
func (a *attempt) addNotice(notice string) {
	if len(a.notices) < chat.MaxNotices && !slices.Contains(a.notices, notice) {
		a.notices = append(a.notices, notice)
	}
}
