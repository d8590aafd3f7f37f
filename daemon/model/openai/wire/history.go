package wire

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
)

// Loader returns an attachment with its data.
type Loader func(ctx context.Context, digest string) (chat.Attachment, error)

// Omission is how much of a message is not sent.
type Omission int

// The omissions, least first.
const (
	OmitNothing  Omission = iota
	OmitPictures          // each is replaced by a line of text
	OmitMessage
)

// assistantFirst is the user's message before an answer that begins a conversation, as in
// some imported ones: many providers require that a user's message comes first.
const assistantFirst = "(The conversation begins with the assistant.)"

// Conversation returns the thread in the form that every provider accepts: user and
// assistant in turn, from the first message to the last by the user, none of them empty.
// Successive messages of the user, as after a failed answer, become one.
//
// Models receive the text of their answers without reasoning, and with those tool calls
// that the next message answers, because providers refuse calls and results without each
// other.
func Conversation(thread []chat.Message, omit []Omission) []chat.Message {
	var out []chat.Message
	for i := range thread {
		m := &thread[i]
		parts := m.AllParts()
		switch omit[i] {
		case OmitNothing:
		case OmitPictures:
			parts = withoutPictures(parts)
		case OmitMessage:
			continue
		}
		if m.Role == chat.RoleAssistant {
			var results chat.Parts
			if i+1 < len(thread) && thread[i+1].Role == chat.RoleUser && omit[i+1] != OmitMessage {
				results = thread[i+1].AllParts()
			}
			parts = answered(parts, results)
		} else {
			parts = withoutStrays(parts, out)
		}
		if isEmpty(parts) {
			continue
		}
		switch last := len(out) - 1; {
		case last >= 0 && out[last].Role == m.Role:
			out[last].Parts = slices.Concat(out[last].Parts, parts)
			continue
		case last < 0 && m.Role != chat.RoleUser:
			out = append(out, chat.Message{Role: chat.RoleUser, Parts: chat.TextParts(assistantFirst)})
		}
		out = append(out, chat.Message{Role: m.Role, Parts: parts})
	}
	return out
}

// isEmpty reports whether a message has nothing for a model.
func isEmpty(parts chat.Parts) bool {
	for i := range parts {
		if t := parts[i].Type; t == chat.PartToolCall || t == chat.PartToolResult {
			return false
		}
	}
	return strings.TrimSpace(parts.Text()) == "" && len(parts.Digests()) == 0
}

// answered returns the text of an answer as one part, and those calls that have results:
// in the answer itself, or in the next message. If one call has none, all are left out.
func answered(parts, results chat.Parts) chat.Parts {
	out := chat.TextParts(parts.Text())
	var calls chat.Parts
	for i := range parts {
		switch parts[i].Type {
		case chat.PartToolCall:
			if !hasResult(parts, parts[i].CallID) && !hasResult(results, parts[i].CallID) {
				return out
			}
			calls = append(calls, parts[i])
		case chat.PartToolResult:
			calls = append(calls, parts[i])
		case chat.PartText, chat.PartReasoning, chat.PartImage, chat.PartFile:
		default:
		}
	}
	return append(out, calls...)
}

func hasResult(parts chat.Parts, callID string) bool {
	return slices.ContainsFunc(parts, func(p chat.Part) bool { return p.Type == chat.PartToolResult && p.CallID == callID })
}

// withoutStrays returns a user's message without results of calls that the answer before it
// does not have.
func withoutStrays(parts chat.Parts, before []chat.Message) chat.Parts {
	called := func(p chat.Part) bool {
		n := len(before) - 1
		return n >= 0 && slices.ContainsFunc(before[n].Parts, func(c chat.Part) bool { return c.Type == chat.PartToolCall && c.CallID == p.CallID })
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p chat.Part) bool { return p.Type == chat.PartToolResult && !called(p) })
}

// withoutPictures replaces each picture in parts by a line of text.
func withoutPictures(parts chat.Parts) chat.Parts {
	out := slices.Clone(parts)
	for i := range out {
		if out[i].Type == chat.PartImage {
			out[i] = chat.Part{Type: chat.PartText, Text: "[image " + model.OneLine(out[i].Name, chat.MaxPartName) + " left out: the model did not accept it]"}
		}
	}
	return out
}

// PictureNames are the names of the pictures in a user's message.
func PictureNames(m chat.Message) []string {
	if m.Role != chat.RoleUser {
		return nil
	}
	var names []string
	for _, p := range m.Parts {
		if p.Type == chat.PartImage {
			names = append(names, model.OneLine(p.Name, chat.MaxPartName))
		}
	}
	return names
}

// WasRefused reports whether the provider refused message i of the thread: its answer is
// empty and failed because of the request.
func WasRefused(thread []chat.Message, i int) bool {
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

// Messages returns a message in the form of the API: tool results become messages of their
// own, images become content parts with data URLs, and a message without images is a
// string, which every server accepts. Files are text.
func Messages(ctx context.Context, m chat.Message, load Loader) ([]goopenai.ChatCompletionMessage, error) {
	var out, results []goopenai.ChatCompletionMessage
	var calls []goopenai.ToolCall
	var rest chat.Parts
	for _, p := range m.Parts {
		switch p.Type {
		case chat.PartToolCall:
			calls = append(calls, goopenai.ToolCall{ID: p.CallID, Type: goopenai.ToolTypeFunction, Function: goopenai.FunctionCall{Name: p.Name, Arguments: p.Text}})
		case chat.PartToolResult:
			results = append(results, goopenai.ChatCompletionMessage{Role: goopenai.ChatMessageRoleTool, ToolCallID: p.CallID, Content: p.Text})
		case chat.PartText, chat.PartReasoning, chat.PartImage, chat.PartFile:
			rest = append(rest, p)
		default:
			rest = append(rest, p)
		}
	}
	said, err := content(ctx, m.Role, rest, load)
	if err != nil {
		return nil, err
	}
	said.ToolCalls = calls
	if m.Role == chat.RoleUser { // results follow the calls directly
		out = results
	}
	if len(rest) > 0 || len(calls) > 0 {
		out = append(out, said)
	}
	if m.Role == chat.RoleAssistant {
		out = append(out, results...)
	}
	return out, nil
}

// content returns a message without calls and results.
func content(ctx context.Context, role chat.Role, parts chat.Parts, load Loader) (goopenai.ChatCompletionMessage, error) {
	var list []goopenai.ChatMessagePart
	images := false
	for _, p := range parts {
		part := goopenai.ChatMessagePart{Type: goopenai.ChatMessagePartTypeText, Text: p.Text}
		if p.Type == chat.PartImage || p.Type == chat.PartFile {
			a, err := load(ctx, p.Digest)
			if err != nil {
				return goopenai.ChatCompletionMessage{}, err
			}
			part.Text = chat.FileBlock(p.Name, string(a.Data))
			if p.Type == chat.PartImage {
				images = true
				url := "data:" + a.MediaType + ";base64," + base64.StdEncoding.EncodeToString(a.Data) // RFC 2397
				part = goopenai.ChatMessagePart{Type: goopenai.ChatMessagePartTypeImageURL, ImageURL: &goopenai.ChatMessageImageURL{URL: url}}
			}
		}
		if len(parts) > 1 {
			part.Text = strings.Trim(part.Text, "\n")
		}
		if part.Text != "" || part.ImageURL != nil {
			list = append(list, part)
		}
	}
	out := goopenai.ChatCompletionMessage{Role: string(role)}
	if images {
		out.MultiContent = list
		return out, nil
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Text
	}
	out.Content = strings.Join(texts, "\n\n")
	return out, nil
}
