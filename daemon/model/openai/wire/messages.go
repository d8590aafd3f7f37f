package wire

import (
	"context"
	"encoding/base64"
	"strings"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model/thread"
)

// Messages returns a message in the form of the API: tool results become messages of their
// own, images become content parts with data URLs, and a message without images is a
// string, which every server accepts. Files are text.
func Messages(ctx context.Context, m chat.Message, load thread.Loader) ([]goopenai.ChatCompletionMessage, error) {
	var out, results []goopenai.ChatCompletionMessage
	var calls []goopenai.ToolCall
	var rest chat.Parts
	for _, p := range m.Parts {
		switch p.Type {
		case chat.PartToolCall:
			calls = append(calls, goopenai.ToolCall{ID: p.CallID, Type: goopenai.ToolTypeFunction, Function: goopenai.FunctionCall{Name: thread.CallName(p.Name), Arguments: string(thread.CallArguments(p.Text))}})
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
func content(ctx context.Context, role chat.Role, parts chat.Parts, load thread.Loader) (goopenai.ChatCompletionMessage, error) {
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
