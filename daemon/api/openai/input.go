package openai

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"chat"
	"chat/daemon/api/surface"
)

// reader turns the messages of a request into those of the domain.
type reader struct {
	backend surface.Backend
	request *http.Request

	system  []string // texts of the roles system and developer
	history []chat.Message
}

// add appends parts to the thread. Successive parts of one role become one message: tool
// results, and the reasoning, text and calls of one answer.
func (d *reader) add(role chat.Role, parts chat.Parts) {
	if n := len(d.history) - 1; n >= 0 && d.history[n].Role == role && (role == chat.RoleAssistant || isResult(parts) == isResult(d.history[n].Parts)) {
		d.history[n].Parts = append(d.history[n].Parts, parts...)
		return
	}
	d.history = append(d.history, chat.Message{Role: role, Parts: parts})
}

func isResult(p chat.Parts) bool { return len(p) > 0 && p[0].Type == chat.PartToolResult }

// addMessage appends a message of any role. at names it in errors.
func (d *reader) addMessage(role string, content json.RawMessage, at string) error {
	parts, err := d.content(content, at)
	if err != nil {
		return err
	}
	switch role {
	case "system", "developer":
		d.system = append(d.system, parts.Text())
	case "user":
		d.add(chat.RoleUser, parts)
	case "assistant":
		for i := range parts {
			if parts[i].Type != chat.PartText {
				return invalid("%s: a message of the assistant has text only", at)
			}
		}
		d.add(chat.RoleAssistant, parts)
	default:
		return invalid("%s: unknown role %q: use system, developer, user, assistant or tool", at, role)
	}
	return nil
}

// contentPart is a part of a message in either API.
type contentPart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Refusal  string          `json:"refusal"`
	ImageURL json.RawMessage `json:"image_url"` // a string, or an object with url
	FileData string          `json:"file_data"`
	Filename string          `json:"filename"`
	File     struct {
		FileData string `json:"file_data"`
		Filename string `json:"filename"`
	} `json:"file"`
}

// content reads the content of a message: a string, or a list of parts.
func (d *reader) content(raw json.RawMessage, at string) (chat.Parts, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return chat.TextParts(text), nil
	}
	var list []contentPart
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, invalid("%s: content must be a string or a list of parts", at)
	}
	var out chat.Parts
	for i := range list {
		switch p := &list[i]; p.Type {
		case "text", "input_text", "output_text":
			out = append(out, chat.TextParts(p.Text)...)
		case "refusal":
			out = append(out, chat.TextParts(p.Refusal)...)
		case "image_url", "input_image":
			part, err := d.attachment(imageURL(p.ImageURL), "image", at)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		case "file", "input_file":
			data, name := p.FileData, p.Filename
			if p.Type == "file" {
				data, name = p.File.FileData, p.File.Filename
			}
			part, err := d.attachment(data, name, at)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		default:
			return nil, invalid("%s: a part of the type %q is not supported: use text, and images and text files as data URLs", at, p.Type)
		}
	}
	return out, nil
}

// imageURL returns the URL of an image: the value itself, or its field url.
func imageURL(raw json.RawMessage) string {
	var url string
	if json.Unmarshal(raw, &url) == nil {
		return url
	}
	var object struct {
		URL string `json:"url"`
	}
	_ = json.Unmarshal(raw, &object) // an empty URL is refused
	return object.URL
}

// attachment stores the data of a data URL (RFC 2397). Other URLs are refused: the server
// fetches nothing that a client names.
func (d *reader) attachment(url, name, at string) (chat.Part, error) {
	head, data, found := strings.Cut(url, ",")
	if !strings.HasPrefix(head, "data:") || !found {
		return chat.Part{}, invalid("%s: images and files must be data URLs (data:image/png;base64,…): this server fetches no addresses", at)
	}
	if !strings.HasSuffix(head, ";base64") {
		return chat.Part{}, invalid("%s: the data URL must be in base64", at)
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return chat.Part{}, invalid("%s: the data URL is not valid base64", at)
	}
	a, err := d.backend.Upload(d.request, raw)
	if err != nil {
		return chat.Part{}, err
	}
	return a.Part(name), nil
}

// submission returns the thread as a submission: the last message is the one to answer.
func (d *reader) submission() (chat.Submission, error) {
	n := len(d.history)
	if n == 0 || d.history[n-1].Role != chat.RoleUser {
		return chat.Submission{}, invalid("the last message must be the user's, or the result of a tool: there is nothing to answer")
	}
	sub := chat.Submission{History: d.history[:n-1], Parts: d.history[n-1].Parts}
	for i := range sub.History {
		m := &sub.History[i]
		if err := m.Parts.Validate(m.Role); err != nil {
			return chat.Submission{}, err
		}
	}
	return sub, nil
}

func invalid(format string, args ...any) error { return chat.Errorf(chat.CodeInvalid, format, args...) }

// tool is a tool in either API: Responses has the fields of function beside the type.
type tool struct {
	Type     string       `json:"type"`
	Function *toolDetails `json:"function,omitempty"`
	toolDetails
}

type toolDetails struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

func toolsOf(list []tool) ([]chat.Tool, error) {
	var out []chat.Tool
	for _, t := range list {
		if t.Type != "function" {
			return nil, invalid("a tool of the type %q is not supported: this server passes functions through", t.Type)
		}
		f := t.toolDetails
		if t.Function != nil {
			f = *t.Function
		}
		if string(f.Parameters) == "null" {
			f.Parameters = nil
		}
		out = append(out, chat.Tool{Name: f.Name, Description: f.Description, Parameters: f.Parameters, Strict: f.Strict})
	}
	return out, nil
}

// choiceOf reads tool_choice: a mode, or an object that names a function.
func choiceOf(raw json.RawMessage) (*chat.ToolChoice, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var mode string
	if json.Unmarshal(raw, &mode) == nil {
		return &chat.ToolChoice{Mode: mode}, nil
	}
	var object struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
	}
	if json.Unmarshal(raw, &object) != nil || object.Type != "function" || object.Name+object.Function.Name == "" {
		return nil, invalid("tool_choice must be auto, none, required, or a function: this server knows no others")
	}
	return &chat.ToolChoice{Mode: chat.ToolRequired, Name: object.Name + object.Function.Name}, nil
}

// schemaFormat is the format json_schema. Chat Completions has it one level deeper.
type schemaFormat struct {
	Type       string        `json:"type"`
	JSONSchema *schemaFields `json:"json_schema,omitempty"`
	schemaFields
}

type schemaFields struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// formatOf reads a format. A stream has no repair, because clients cannot take text back.
func formatOf(f *schemaFormat, streamed bool) (*chat.Format, error) {
	switch {
	case f == nil || f.Type == "" || f.Type == "text":
		return nil, nil
	case f.Type == "json_object":
		return &chat.Format{Repair: !streamed}, nil
	case f.Type != "json_schema":
		return nil, invalid("unknown format %q: use text, json_object or json_schema", f.Type)
	}
	fields := f.schemaFields
	if f.JSONSchema != nil {
		fields = *f.JSONSchema
	}
	if fields.Name == "" || len(fields.Schema) == 0 {
		return nil, invalid("the format json_schema needs a name and a schema")
	}
	return &chat.Format{Name: fields.Name, Description: fields.Description, Schema: fields.Schema, Strict: fields.Strict, Repair: !streamed}, nil
}

// priorityOf maps service_tier. The tiers auto and default, and unknown ones, are normal.
func priorityOf(tier string) chat.Priority {
	switch tier {
	case "priority":
		return chat.PriorityUrgent
	case "flex", "batch":
		return chat.PriorityBackground
	}
	return chat.PriorityNormal
}
