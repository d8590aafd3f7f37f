package wire

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model/thread"
)

// Message is a message of Chat Completions. The library's type has no files.
type Message struct {
	Role       string
	Content    string
	Parts      []Part // instead of Content
	ToolCalls  []goopenai.ToolCall
	ToolCallID string
	// Continue is the name of the field that says that the answer begins with this message; "" if
	// it does not.
	Continue string
}

// MarshalJSON implements json.Marshaler.
func (m Message) MarshalJSON() ([]byte, error) {
	out := struct {
		Role       string              `json:"role"`
		Content    any                 `json:"content,omitempty"`
		ToolCalls  []goopenai.ToolCall `json:"tool_calls,omitempty"`
		ToolCallID string              `json:"tool_call_id,omitempty"`
	}{Role: m.Role, ToolCalls: m.ToolCalls, ToolCallID: m.ToolCallID}
	switch {
	case len(m.Parts) > 0:
		out.Content = m.Parts
	case m.Content != "":
		out.Content = m.Content
	}
	raw, err := json.Marshal(out)
	if err != nil || m.Continue == "" {
		return raw, err
	}
	return fmt.Appendf(raw[:len(raw)-1], ",%q:true}", m.Continue), nil
}

// Part is a part of a message: a text, an image, or a PDF.
type Part struct {
	Type     goopenai.ChatMessagePartType  `json:"type"`
	Text     string                        `json:"text,omitempty"`
	ImageURL *goopenai.ChatMessageImageURL `json:"image_url,omitempty"`
	File     *File                         `json:"file,omitempty"`

	reference string // of an image, which only the Responses API has
}

// File is a PDF: its data as a data URL, or the id of the provider's copy.
type File struct {
	Filename string `json:"filename,omitempty"`
	FileData string `json:"file_data,omitempty"`
	FileID   string `json:"file_id,omitempty"`
}

// HasFile reports whether one of the messages has a PDF.
func HasFile(list []Message) bool {
	for i := range list {
		for j := range list[i].Parts {
			if list[i].Parts[j].File != nil {
				return true
			}
		}
	}
	return false
}

// Plugin is a step of OpenRouter before the model.
type Plugin struct {
	ID  string `json:"id"`
	PDF struct {
		Engine string `json:"engine"`
	} `json:"pdf"`
}

// NativeDocuments passes PDFs to models that accept them, and refuses them for others.
func NativeDocuments() []Plugin {
	p := Plugin{ID: "file-parser"}
	p.PDF.Engine = "native"
	return []Plugin{p}
}

// Messages returns a message in the form of the API: tool results become messages of their
// own, images and PDFs become content parts with data URLs, and a message without them is a
// string, which every server accepts. Other files are text.
func Messages(ctx context.Context, m chat.Message, load thread.Loader) ([]Message, error) {
	var out, results []Message
	var calls []goopenai.ToolCall
	var rest chat.Parts
	for _, p := range m.Parts {
		switch p.Type {
		case chat.PartToolCall:
			calls = append(calls, goopenai.ToolCall{ID: p.CallID, Type: goopenai.ToolTypeFunction, Function: goopenai.FunctionCall{Name: thread.CallName(p.Name), Arguments: string(thread.CallArguments(p.Text))}})
		case chat.PartToolResult:
			results = append(results, Message{Role: goopenai.ChatMessageRoleTool, ToolCallID: p.CallID, Content: p.Text})
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
func content(ctx context.Context, role chat.Role, parts chat.Parts, load thread.Loader) (Message, error) {
	var list []Part
	attached := false
	for i := range parts {
		part := Part{Type: goopenai.ChatMessagePartTypeText, Text: parts[i].Text}
		if p := &parts[i]; p.Type == chat.PartImage || p.Type == chat.PartFile {
			a, err := load(ctx, p)
			if err != nil {
				return Message{}, err
			}
			part = attachment(p, &a)
			attached = attached || part.Text == ""
		}
		if len(parts) > 1 {
			part.Text = strings.Trim(part.Text, "\n")
		}
		if part.Text != "" || part.ImageURL != nil || part.File != nil {
			list = append(list, part)
		}
	}
	out := Message{Role: string(role)}
	if attached {
		out.Parts = list
		return out, nil
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Text
	}
	out.Content = strings.Join(texts, "\n\n")
	return out, nil
}

// attachment returns the part of an image, a PDF or a text file.
func attachment(p *chat.Part, a *thread.File) Part {
	data := func() string { // RFC 2397
		if a.Reference != "" {
			return ""
		}
		return "data:" + a.MediaType + ";base64," + base64.StdEncoding.EncodeToString(a.Data)
	}
	switch {
	case p.Type == chat.PartImage:
		return Part{Type: goopenai.ChatMessagePartTypeImageURL, ImageURL: &goopenai.ChatMessageImageURL{URL: data()}, reference: a.Reference}
	case a.MediaType != chat.PDFType:
		return Part{Type: goopenai.ChatMessagePartTypeText, Text: chat.FileBlock(p.Name, string(a.Data))}
	case a.Reference != "":
		return Part{Type: typeFile, File: &File{FileID: a.Reference}}
	}
	return Part{Type: typeFile, File: &File{Filename: fileName(p.Name), FileData: data()}}
}

const typeFile = "file"

// fileName is the name of a PDF, which servers want to end in .pdf.
func fileName(name string) string {
	if strings.HasSuffix(strings.ToLower(name), ".pdf") {
		return name
	}
	return name + ".pdf"
}
