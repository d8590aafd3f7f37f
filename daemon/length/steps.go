package length

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/internal/tokens"
)

// request asks for a summary, after the messages that it has to stand for. %d is how many
// words it may have.
const request = "Summarize the conversation so far. Your summary takes the place of these messages: the conversation is continued with it and without them. " +
	"Keep what the user asked for and decided, what was answered and found out, with all names, numbers, dates, paths, code and results of tools that may still matter, " +
	"and what is not done yet. If the conversation begins with a summary, keep what matters of it. Write at most %d words, in the language of the conversation, and nothing but the summary."

// Step is one request of a summary: a part of the messages that fits into the context. Each step
// gets the summary of the steps before.
type Step []chat.Message

// Steps divides the view of a thread into requests that fit into a context of window tokens, 0
// if that is not known. A message that does not fit alone is divided, too.
func Steps(t chat.Thread, window int, factor float64) []Step {
	list := flat(View(t))
	if window <= 0 {
		return []Step{list}
	}
	// Half of the context: the rest is for the system prompt, the summary before, and the new one.
	room := max(int(float64(window/2)/factor), 100)
	var steps []Step
	var step Step
	size := 0
	for i := range list {
		for _, m := range divided(list[i], room) {
			n := tokens.Message(&m)
			if len(step) > 0 && size+n > room {
				steps, step, size = append(steps, step), nil, 0
			}
			step, size = append(step, m), size+n
		}
	}
	return append(steps, step)
}

// Messages are the messages of a request: the summary of the steps before, "" for none, those
// of the step, and the request for a summary.
func (s Step) Messages(before string, window int) []chat.Message {
	var out []chat.Message
	if before != "" {
		out = append(out, summaryMessage(before))
	}
	out = append(out, s...)
	words := maxSummary * 3 / 4
	if window > 0 {
		words = max(summaryRoom(window)*3/4, 50)
	}
	ask := chat.Message{Role: chat.RoleUser}
	ask.SetParts(chat.TextParts(fmt.Sprintf(request, words)))
	return append(out, ask)
}

// flat returns messages with calls of tools and their results as text, which a model without
// the tools can read.
func flat(list []chat.Message) []chat.Message {
	out := make([]chat.Message, len(list))
	for i := range list {
		m := list[i]
		var parts chat.Parts
		for _, p := range m.AllParts() {
			switch p.Type {
			case chat.PartToolCall:
				p = chat.Part{Type: chat.PartText, Text: fmt.Sprintf("[called the tool %s: %s]\n", p.Name, p.Text)}
			case chat.PartToolResult:
				p = chat.Part{Type: chat.PartText, Text: fmt.Sprintf("[result of a tool: %s]\n", p.Text)}
			case chat.PartReasoning:
				continue
			case chat.PartText, chat.PartImage, chat.PartFile:
			}
			parts = append(parts, p)
		}
		m.SetParts(parts)
		out[i] = m
	}
	return out
}

// divided returns a message as several of at most room tokens, if it is longer. Images and files
// stay with the first.
func divided(m chat.Message, room int) []chat.Message {
	if tokens.Message(&m) <= room {
		return []chat.Message{m}
	}
	var others chat.Parts
	for _, p := range m.Parts {
		if p.Type != chat.PartText {
			others = append(others, p)
		}
	}
	var out []chat.Message
	for _, text := range pieces(m.Parts.Text(), room) {
		piece := m
		piece.SetParts(append(others, chat.TextParts(text)...))
		out, others = append(out, piece), nil
	}
	return out
}

// pieces divides a text into pieces of at most room tokens, at ends of lines or words if it has
// such.
func pieces(text string, room int) []string {
	var out []string
	for tokens.Text(text) > room {
		end := len(text) / 2
		for end > 1 && tokens.Text(text[:end]) > room {
			end /= 2
		}
		if at := strings.LastIndexAny(text[:end], "\n "); at > end/2 {
			end = at + 1
		}
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		out, text = append(out, text[:end]), text[end:]
	}
	return append(out, text)
}
