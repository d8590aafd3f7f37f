package openai

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"

	"chat"
	"chat/daemon/api/openai/input"
)

// inputParam is an item of the input of a request.
type inputParam struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Output    json.RawMessage `json:"output"`
	Summary   json.RawMessage `json:"summary"`
	Encrypted string          `json:"encrypted_content"`
}

func (p *inputParam) addTo(d *reader, at string) error {
	switch p.Type {
	case "", kindMessage:
		return d.AddMessage(p.Role, p.Content, at)
	case kindCall:
		d.Add(chat.RoleAssistant, chat.Parts{{Type: chat.PartToolCall, CallID: p.CallID, Name: p.Name, Text: p.Arguments}})
		return nil
	case kindResult:
		parts, err := d.Content(p.Output, at)
		if err != nil {
			return err
		}
		d.Add(chat.RoleUser, chat.Parts{{Type: chat.PartToolResult, CallID: p.CallID, Text: parts.Text()}})
		return nil
	case kindReasoning:
		var list []input.ContentPart
		_ = json.Unmarshal(p.Summary, &list) // reasoning is not sent to models again
		text := ""
		for _, s := range list {
			text += s.Text
		}
		if text != "" {
			d.Add(chat.RoleAssistant, chat.AnswerParts(text, 0, ""))
		}
		return nil
	case kindCompaction:
		summary, err := d.summary(p.Encrypted, at)
		if err != nil {
			return err
		}
		d.AddText(chat.RoleAssistant, chat.TextParts(summary))
		return nil
	case "item_reference":
		return invalid("%s: item references are not supported: send the item, or previous_response_id", at)
	}
	return invalid("%s: an item of the type %q is not supported: use messages, function calls and their outputs", at, p.Type)
}

// inputItem is an item of the list of input items.
type inputItem struct {
	ID        string           `json:"id"`
	Type      string           `json:"type"`
	Status    string           `json:"status,omitempty"`
	Role      string           `json:"role,omitempty"`
	Content   []map[string]any `json:"content,omitempty"`
	CallID    string           `json:"call_id,omitempty"`
	Name      string           `json:"name,omitempty"`
	Arguments *string          `json:"arguments,omitempty"`
	Output    *string          `json:"output,omitempty"`
	Summary   []map[string]any `json:"summary,omitempty"`
	Encrypted string           `json:"encrypted_content,omitempty"`

	parts chat.Parts // of Content
}

// inputItems returns messages as items, without their content: see addContent.
func inputItems(list []chat.Message) []inputItem {
	var out []inputItem
	for i := range list {
		m := &list[i]
		n := 0
		add := func(it inputItem) {
			it.ID = idPrefix(it.Type) + digits(m.ID) + "_" + strconv.Itoa(n)
			n++
			out = append(out, it)
		}
		var content chat.Parts
		for _, p := range m.Parts {
			switch p.Type {
			case chat.PartToolCall:
				add(inputItem{Type: kindCall, Status: statusCompleted, CallID: p.CallID, Name: p.Name, Arguments: &p.Text})
			case chat.PartToolResult:
				add(inputItem{Type: kindResult, Status: statusCompleted, CallID: p.CallID, Output: &p.Text})
			case chat.PartReasoning:
				add(inputItem{Type: kindReasoning, Summary: []map[string]any{{"type": "summary_text", "text": p.Text}}})
			case chat.PartText, chat.PartImage, chat.PartFile:
				content = append(content, p)
			default:
			}
		}
		if content != nil {
			add(inputItem{Type: kindMessage, Status: statusCompleted, Role: string(m.Role), parts: content})
		}
	}
	return out
}

// addContent adds the content of items that are shown. Images and files are read for these only.
func (a *API) addContent(r *http.Request, items []inputItem) error {
	for i := range items {
		it := &items[i]
		for _, p := range it.parts {
			part := map[string]any{"type": "input_text", "text": p.Text}
			switch {
			case p.Type != chat.PartText:
				var err error
				if part, err = a.inputAttachment(r, p); err != nil {
					return err
				}
			case it.Role == string(chat.RoleAssistant):
				part["type"], part["annotations"] = "output_text", []any{}
			}
			it.Content = append(it.Content, part)
		}
	}
	return nil
}

// inputAttachment returns an image or a file as a part with a data URL.
func (a *API) inputAttachment(r *http.Request, p chat.Part) (map[string]any, error) {
	found, err := a.backend.Store().Attachment(r.Context(), a.backend.Owner(r), p.Digest)
	if err != nil {
		return nil, err
	}
	url := "data:" + found.MediaType + ";base64," + base64.StdEncoding.EncodeToString(found.Data)
	if p.Type == chat.PartImage {
		return map[string]any{"type": "input_image", "image_url": url, "detail": "auto"}, nil
	}
	return map[string]any{"type": "input_file", "filename": p.Name, "file_data": url}, nil
}
