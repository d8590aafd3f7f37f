package provider

import (
	"strings"

	"github.com/sashabaranov/go-openai"

	"chat"
)

// omission is how much of a message is not sent.
type omission int

const (
	nothing     omission = iota
	itsPictures          // the pictures, each replaced by a line of text
	all                  // the message
)

// assistantFirst stands for the user's message in front of an answer that begins a
// conversation, as imported ones may: many providers take only a user's message first.
const assistantFirst = "(The conversation begins with the assistant.)"

// conversation is the thread as every provider takes it: user and assistant in turn,
// beginning and ending with the user, none of them empty. What the user sent several
// times in succession, as after a failed answer, is one message.
func conversation(thread []chat.Message, omit []omission) []chat.Message {
	var out []chat.Message
	for i, m := range thread {
		content := m.Content
		switch omit[i] {
		case nothing:
		case itsPictures:
			content = withoutPictures(content)
		case all:
			continue
		}
		if strings.TrimSpace(content) == "" {
			continue
		}
		switch last := len(out) - 1; {
		case last >= 0 && out[last].Role == m.Role:
			out[last].Content += "\n\n" + content
			continue
		case last < 0 && m.Role != chat.RoleUser:
			out = append(out, chat.Message{Role: chat.RoleUser, Content: assistantFirst})
		}
		out = append(out, chat.Message{Role: m.Role, Content: content})
	}
	return out
}

// withoutPictures is content with a line in place of each picture.
func withoutPictures(content string) string {
	var b strings.Builder
	for _, p := range chat.SplitImages(content) {
		if p.Image != nil {
			b.WriteString("[picture " + clean(p.Image.Name, chat.MaxImageName) + " left out: the model did not take it]")
		} else {
			b.WriteString(p.Source)
		}
	}
	return b.String()
}

// pictureNames are the names of the pictures in a user's message.
func pictureNames(m chat.Message) []string {
	if m.Role != chat.RoleUser {
		return nil
	}
	var names []string
	for _, p := range chat.SplitImages(m.Content) {
		if p.Image != nil {
			names = append(names, clean(p.Image.Name, chat.MaxImageName))
		}
	}
	return names
}

// wasRefused reports whether the provider refused message i of the thread: its answer
// is empty and failed for something in the request.
func wasRefused(thread []chat.Message, i int) bool {
	if thread[i].Role != chat.RoleUser || i+1 >= len(thread) {
		return false
	}
	answer := thread[i+1]
	if answer.Role != chat.RoleAssistant || strings.TrimSpace(answer.Content) != "" || answer.Error == nil {
		return false
	}
	switch answer.Error.Code {
	case chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderFilter:
		return true
	default:
		return false
	}
}

// wireMessage is a message as the API wants it: a user's images become parts with
// data URLs, and a message without one stays a string, which every server takes.
func wireMessage(m chat.Message) openai.ChatCompletionMessage {
	out := openai.ChatCompletionMessage{Role: string(m.Role), Content: m.Content}
	if m.Role != chat.RoleUser {
		return out
	}
	parts, images := chat.SplitImages(m.Content), false
	for _, p := range parts {
		switch text := strings.TrimSpace(p.Source); {
		case p.Image != nil:
			images = true
			out.MultiContent = append(out.MultiContent, openai.ChatMessagePart{
				Type: openai.ChatMessagePartTypeImageURL, ImageURL: &openai.ChatMessageImageURL{URL: p.Image.URL()},
			})
		case text != "":
			out.MultiContent = append(out.MultiContent, openai.ChatMessagePart{Type: openai.ChatMessagePartTypeText, Text: text})
		}
	}
	if !images {
		out.MultiContent = nil
		return out
	}
	out.Content = ""
	return out
}
