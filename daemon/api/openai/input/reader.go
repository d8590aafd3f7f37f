// Package input reads the messages, tools and formats of OpenAI's requests, which its two APIs
// have in common, as those of the domain.
package input

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"chat"
	"chat/daemon/api/surface"
)

// Reader turns the messages of a request into those of the domain.
type Reader struct {
	Backend surface.Backend
	Request *http.Request

	System  []string // texts of the roles system and developer
	History []chat.Message
}

// Add appends parts to the thread. Successive parts of one role become one message: tool
// results, and the reasoning, text and calls of one answer.
func (d *Reader) Add(role chat.Role, parts chat.Parts) {
	if n := len(d.History) - 1; n >= 0 && d.History[n].Role == role && (role == chat.RoleAssistant || IsResult(parts) == IsResult(d.History[n].Parts)) {
		d.History[n].Parts = append(d.History[n].Parts, parts...)
		return
	}
	d.History = append(d.History, chat.Message{Role: role, Parts: parts})
}

// AddText is Add for a whole message: an empty line separates its text from the text of a
// message of the same role before it.
func (d *Reader) AddText(role chat.Role, parts chat.Parts) {
	if n := len(d.History) - 1; n >= 0 && len(parts) > 0 && d.History[n].Role == role {
		before := d.History[n].Parts
		if m := len(before) - 1; m >= 0 && before[m].Type == chat.PartText && parts[0].Type == chat.PartText {
			d.Add(role, chat.TextParts("\n\n"))
		}
	}
	d.Add(role, parts)
}

// IsResult reports whether parts are results of tools.
func IsResult(p chat.Parts) bool { return len(p) > 0 && p[0].Type == chat.PartToolResult }

// AddMessage appends a message of any role. at names it in errors.
func (d *Reader) AddMessage(role string, content json.RawMessage, at string) error {
	parts, err := d.Content(content, at)
	if err != nil {
		return err
	}
	switch role {
	case "system", "developer":
		d.System = append(d.System, parts.Text())
	case "user":
		d.AddText(chat.RoleUser, parts)
	case "assistant":
		for i := range parts {
			if parts[i].Type != chat.PartText {
				return chat.Errorf(chat.CodeInvalid, "%s: a message of the assistant has text only", at)
			}
		}
		d.AddText(chat.RoleAssistant, parts)
	default:
		return chat.Errorf(chat.CodeInvalid, "%s: unknown role %q: use system, developer, user, assistant or tool", at, role)
	}
	return nil
}

// ContentPart is a part of a message in either API.
type ContentPart struct {
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

// Content reads the content of a message: a string, or a list of parts.
func (d *Reader) Content(raw json.RawMessage, at string) (chat.Parts, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return chat.TextParts(text), nil
	}
	var list []ContentPart
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "%s: content must be a string or a list of parts", at)
	}
	var out chat.Parts
	for i := range list {
		switch p := &list[i]; p.Type {
		case "text", "input_text", "output_text":
			out = append(out, chat.TextParts(p.Text)...)
		case "refusal":
			out = append(out, chat.TextParts(p.Refusal)...)
		case "image_url", "input_image":
			part, err := d.image(imageURL(p.ImageURL), at)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		case "file", "input_file":
			data, name := p.FileData, p.Filename
			if p.Type == "file" {
				data, name = p.File.FileData, p.File.Filename
			}
			part, err := d.file(data, name, at)
			if err != nil {
				return nil, err
			}
			out = append(out, part)
		default:
			return nil, chat.Errorf(chat.CodeInvalid, "%s: a part of the type %q is not supported: use text, and images, PDFs and text files as data URLs", at, p.Type)
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

// image stores an image. Its type is that of its data: a declared type can be wrong.
func (d *Reader) image(url, at string) (chat.Part, error) {
	raw, err := dataOf(url, at)
	if err == nil && chat.ImageType(raw) == "" {
		err = chat.Errorf(chat.CodeInvalid, "%s: the data of the image are not those of a PNG, JPEG, WebP or GIF: send other files as files", at)
	}
	if err != nil {
		return chat.Part{}, err
	}
	return d.store(raw, "image")
}

// file stores a file, which may be an image.
func (d *Reader) file(url, name, at string) (chat.Part, error) {
	raw, err := dataOf(url, at)
	if err != nil {
		return chat.Part{}, err
	}
	return d.store(raw, name)
}

func (d *Reader) store(raw []byte, name string) (chat.Part, error) {
	a, err := d.Backend.Upload(d.Request, raw)
	return a.Part(name), err
}

// dataOf returns the data of a data URL (RFC 2397). Other URLs are refused: the server
// fetches nothing that a client names.
func dataOf(url, at string) ([]byte, error) {
	head, data, found := strings.Cut(url, ",")
	if !strings.HasPrefix(head, "data:") || !found {
		return nil, chat.Errorf(chat.CodeInvalid, "%s: images and files must be data URLs (data:image/png;base64,…): this server fetches no addresses", at)
	}
	if !strings.HasSuffix(head, ";base64") {
		return nil, chat.Errorf(chat.CodeInvalid, "%s: the data URL must be in base64", at)
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "%s: the data URL is not valid base64", at)
	}
	return raw, nil
}

// Submission returns the thread as a submission: the last message is the one to answer.
func (d *Reader) Submission() (chat.Submission, error) {
	n := len(d.History)
	if n == 0 || d.History[n-1].Role != chat.RoleUser {
		return chat.Submission{}, chat.Errorf(chat.CodeInvalid, "the last message must be the user's, or the result of a tool: there is nothing to answer")
	}
	sub := chat.Submission{History: d.History[:n-1], Parts: d.History[n-1].Parts}
	for i := range sub.History {
		m := &sub.History[i]
		if err := m.Parts.Validate(m.Role); err != nil {
			return chat.Submission{}, err
		}
	}
	return sub, nil
}
