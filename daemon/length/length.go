// Package length decides what a model gets of a conversation that may be too long for it: how
// many tokens it takes, where a summary has to end, and how a summary is asked for. It reads
// and writes nothing.
package length

import (
	"slices"

	"chat"
	"chat/internal/tokens"
)

const (
	// target is the part of the context, in percent, that a conversation takes after a
	// summary: a changed beginning voids the provider's cache, so summaries are rare.
	target = 40
	// ofSummary is the part of the context, in percent, that is kept free for a summary.
	ofSummary = 10
	// maxSummary bounds what is kept free for a summary, in tokens.
	maxSummary = 4000
	// reserve is what is kept free for an answer without a limit, in tokens, in a context
	// where that is less than an eighth.
	reserve = 4096
)

// head begins the message that has a summary.
const head = "(This is a summary of the conversation so far. A model wrote it, because the conversation is too long.)\n\n"

// View returns the messages that a model gets of a thread: its summary, and the messages after
// it.
func View(t chat.Thread) []chat.Message {
	if t.Summary == nil {
		return t.Messages
	}
	return append([]chat.Message{summaryMessage(t.Summary.Text)}, t.Messages...)
}

// summaryMessage is the user's, so that what it quotes does not become an instruction of the
// system.
func summaryMessage(text string) chat.Message {
	m := chat.Message{Role: chat.RoleUser}
	m.SetParts(chat.TextParts(head + text))
	return m
}

// Counted is an answer of a thread whose request was counted by its model.
type Counted struct {
	MessageID string
	SummaryID string // with which it was sent, "" for none
	// PromptTokens are those of the request, more than 0.
	PromptTokens int
}

// LastAnswer returns the id of the last answer with a text in a thread, "" if there is none.
func LastAnswer(t chat.Thread) string {
	for _, m := range slices.Backward(t.Messages) {
		if m.Role == chat.RoleAssistant && m.Content != "" {
			return m.ID
		}
	}
	return ""
}

// Count is how many tokens the view of a thread takes: as many as last says, if that is an
// answer in the thread, and the estimate of what came after it. factor is tokens.Factor of the
// model, where last does not tell it.
func Count(t chat.Thread, last *Counted, factor float64) int {
	at := -1
	if last != nil && last.SummaryID == idOf(t.Summary) {
		at = slices.IndexFunc(t.Messages, func(m chat.Message) bool { return m.ID == last.MessageID })
	}
	if at < 0 {
		return scaled(tokens.Messages(t.System, View(t)), factor)
	}
	before := chat.Thread{System: t.System, Summary: t.Summary, Messages: t.Messages[:at]}
	factor = tokens.Factor(last.PromptTokens, tokens.Messages(t.System, View(before)))
	return last.PromptTokens + scaled(tokens.Messages("", t.Messages[at:]), factor)
}

func idOf(s *chat.Summary) string {
	if s == nil {
		return ""
	}
	return s.ID
}

func scaled(n int, factor float64) int { return int(float64(n)*factor + 0.5) }

// Reserve is how many tokens of a context are kept free for an answer with these parameters.
func Reserve(p *chat.Parameters, window int) int {
	if p != nil && p.MaxTokens > 0 {
		return min(p.MaxTokens, window/2)
	}
	return min(reserve, window/8)
}

// Cut returns how many messages of a thread a new summary has to stand for, so that the rest
// takes at most the target part of the context; 0 if there is nothing that it can stand for. It
// keeps the last message of the user and never separates a call of a tool from its result.
func Cut(t chat.Thread, window int, factor float64) int {
	room := window*target/100 - summaryRoom(window) - scaled(tokens.Messages(t.System, nil), factor)
	return cut(t.Messages, func(kept int) bool { return scaled(kept, factor) <= room })
}

// CutAll returns how many messages of a thread a summary can stand for at most: all before the
// last message of the user.
func CutAll(t chat.Thread) int {
	return cut(t.Messages, func(int) bool { return false })
}

// cut returns the first place where the messages after it fit, or else the last one.
func cut(list []chat.Message, fits func(kept int) bool) int {
	kept, best := 0, 0
	for i := len(list) - 1; i > 0; i-- {
		kept += tokens.Message(&list[i])
		if !opensTurn(&list[i]) {
			continue
		}
		if best > 0 && !fits(kept) {
			break
		}
		best = i
	}
	return best
}

// opensTurn reports whether a message is the user's and has no results of tools, which belong
// to the answer before it.
func opensTurn(m *chat.Message) bool {
	return m.Role == chat.RoleUser && !slices.ContainsFunc(m.Parts, func(p chat.Part) bool { return p.Type == chat.PartToolResult })
}

// summaryRoom is what is kept free for a summary, in tokens.
func summaryRoom(window int) int { return min(window*ofSummary/100, maxSummary) }
