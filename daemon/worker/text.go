package worker

import (
	"slices"
	"time"

	"chat"
)

// put adds what another attempt has received.
func (a *attempt) put(given chat.Answer) {
	a.add(chat.ChunkReasoning, given.Reasoning)
	a.add(chat.ChunkContent, given.Content)
	a.thinking, a.reasoningMS = time.Time{}, given.ReasoningMS
}

func (a *attempt) add(typ chat.ChunkType, text string) {
	if text == "" {
		return
	}
	if a.first.IsZero() {
		a.first = time.Now()
	}
	if typ == chat.ChunkReasoning {
		if a.reasoning.Len() == 0 {
			a.thinking = time.Now()
		}
		a.reasoning.WriteString(text)
	} else {
		a.reasoningMS, a.thinking = a.reasoned(), time.Time{}
		a.content.WriteString(text)
	}
	if a.log != nil {
		a.log.Add(typ, text)
	}
}

// retype makes all text so far that of one type. Readers drop what they have, and get
// it again.
func (a *attempt) retype(typ chat.ChunkType) {
	all, since := a.reasoning.String()+a.content.String(), a.first
	a.drop()
	a.add(typ, all)
	if typ == chat.ChunkReasoning && all != "" {
		a.thinking = since
	}
}

// drop forgets the text.
func (a *attempt) drop() {
	if a.log != nil {
		a.log.Reset()
	}
	a.content.Reset()
	a.reasoning.Reset()
	a.thinking, a.reasoningMS = time.Time{}, 0
}

// addNotice keeps a notice, once.
func (a *attempt) addNotice(notice string) {
	if len(a.notices) < chat.MaxNotices && !slices.Contains(a.notices, notice) {
		a.notices = append(a.notices, notice)
	}
}

// reasoned is for how many milliseconds the model has reasoned.
func (a *attempt) reasoned() int64 {
	if a.thinking.IsZero() {
		return a.reasoningMS
	}
	return time.Since(a.thinking).Milliseconds()
}
