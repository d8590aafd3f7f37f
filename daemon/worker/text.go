package worker

import (
	"slices"
	"time"

	"chat"
)

// replay adds what another attempt has received.
func (a *attempt) replay(given chat.Parts) {
	for _, c := range given.Chunks() {
		a.apply(c)
	}
}

// add takes the next chunk of the answer.
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
	if a.log != nil {
		a.log.Add(c)
	}
}

// endReasoning notes how long the model has reasoned, if that is the last part.
func (a *attempt) endReasoning() {
	if a.reasoning.IsZero() {
		return
	}
	took := max(1, time.Since(a.reasoning).Milliseconds())
	a.reasoning = time.Time{}
	a.apply(chat.Chunk{Type: chat.ChunkReasoning, DurationMS: took})
}

// retype makes all text so far that of one type. Readers drop what they have, and get
// it again.
func (a *attempt) retype(typ chat.ChunkType) {
	all, since := a.parts.Reasoning()+a.parts.Text(), a.first
	a.drop()
	a.add(chat.Chunk{Type: typ, Content: all})
	if typ == chat.ChunkReasoning && all != "" {
		a.reasoning = since
	}
}

// drop forgets the answer so far.
func (a *attempt) drop() {
	a.apply(chat.Chunk{Type: chat.ChunkReset})
	a.reasoning = time.Time{}
}

// addNotice keeps a notice, once.
func (a *attempt) addNotice(notice string) {
	if len(a.notices) < chat.MaxNotices && !slices.Contains(a.notices, notice) {
		a.notices = append(a.notices, notice)
	}
}
