// Package title asks a model for the title of a conversation, and turns what it says into one.
package title

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"chat"
	"chat/internal/lazyregexp"
)

// request asks for a title after the messages of a conversation.
const request = "Write a title for the conversation above: at most six words, in its language. " +
	"No quotation marks, no Markdown, no full stop at the end, and nothing but the title."

const (
	// read is how much of each message a model reads for a title, in bytes.
	read = 1500
	// longest is the length of a title, in characters.
	longest = 60
)

// Ask returns what a model gets for a title: the beginnings of the first messages, without their
// images and files, and the request.
func Ask(thread []chat.Message) []chat.Message {
	var out []chat.Message
	for i := range thread {
		text := beginning(thread[i].AllParts().Text())
		if text == "" {
			text = thread[i].AllParts().Title() // the names of files
		}
		if text != "" {
			out = append(out, message(thread[i].Role, text))
		}
	}
	return append(out[:min(len(out), 2)], message(chat.RoleUser, request))
}

func message(role chat.Role, text string) chat.Message {
	m := chat.Message{Role: role}
	m.SetParts(chat.TextParts(text))
	return m
}

// beginning returns the first bytes of a text, in whole characters.
func beginning(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= read {
		return text
	}
	n := read
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}

var (
	label = lazyregexp.New(`(?i)^(?:title|titel|titre|título|titolo|标题|タイトル|заголовок)\s*[:：]\s*`)
	link  = lazyregexp.New(`\[([^\]]*)\]\([^)]*\)`)
)

// decoration are the characters that Markdown and quotations put around a title.
const decoration = " \t*_`#>~\"'“”„‟«»‹›‘’「」『』《》"

// Clean returns the title in what a model has said: its first line, without decoration, of at most
// 60 characters; "" if there is none.
func Clean(said string) string {
	for line := range strings.Lines(said) {
		if title := clean(line); title != "" {
			return title
		}
	}
	return ""
}

func clean(line string) string {
	line = strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, link.ReplaceAllString(chat.NormalizeText(line), "$1"))
	line = strings.Trim(strings.TrimPrefix(strings.TrimSpace(line), "- "), decoration)
	line = strings.Trim(label.ReplaceAllString(line, ""), decoration)
	line = strings.TrimRight(strings.NewReplacer("**", "", "__", "", "`", "").Replace(line), ".。 ")
	line = strings.Join(strings.Fields(line), " ")
	if utf8.RuneCountInString(line) <= longest {
		return line
	}
	short := string([]rune(line)[:longest-1])
	if space := strings.LastIndexByte(short, ' '); space > len(short)/2 {
		short = short[:space]
	}
	return strings.TrimRight(short, " ,;:-–") + "…"
}
