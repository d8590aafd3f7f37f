package modeltest

import (
	"encoding/json"
	"fmt"
	"strings"
)

// message is one message of a request, whose content is a text, or parts.
type message struct {
	Role   string
	text   string
	images []string // URLs
}

// UnmarshalJSON is strict about parts, as providers are.
func (m *message) UnmarshalJSON(b []byte) error {
	var in struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	m.Role = in.Role
	if len(in.Content) == 0 || json.Unmarshal(in.Content, &m.text) == nil {
		return nil
	}
	var parts []struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		ImageURL *struct {
			URL string `json:"url"`
		} `json:"image_url"`
		File *struct {
			Data string `json:"file_data"`
			ID   string `json:"file_id"`
		} `json:"file"`
	}
	if err := json.Unmarshal(in.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		switch {
		case p.Type == "text" && p.Text != "":
			if m.text != "" {
				m.text += "\n\n"
			}
			m.text += p.Text
		case p.Type == "image_url" && p.ImageURL != nil && p.ImageURL.URL != "":
			m.images = append(m.images, p.ImageURL.URL)
		case p.Type == "file" && p.File != nil && (strings.HasPrefix(p.File.Data, "data:application/pdf;base64,") != (p.File.ID != "")):
		default:
			return fmt.Errorf("a content part of type %q that is none", p.Type)
		}
	}
	return nil
}
