package input

import (
	"encoding/json"

	"chat"
)

// Tool is a tool in either API: Responses has the fields of function beside the type.
type Tool struct {
	Type     string       `json:"type"`
	Function *ToolDetails `json:"function,omitempty"`
	ToolDetails
}

// ToolDetails describe a function.
type ToolDetails struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// Tools reads tools.
func Tools(list []Tool) ([]chat.Tool, error) {
	var out []chat.Tool
	for _, t := range list {
		if t.Type != "function" {
			return nil, chat.Errorf(chat.CodeInvalid, "a tool of the type %q is not supported: this server passes functions through", t.Type)
		}
		f := t.ToolDetails
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

// Choice reads tool_choice: a mode, or an object that names a function.
func Choice(raw json.RawMessage) (*chat.ToolChoice, error) {
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
		return nil, chat.Errorf(chat.CodeInvalid, "tool_choice must be auto, none, required, or a function: this server knows no others")
	}
	return &chat.ToolChoice{Mode: chat.ToolRequired, Name: object.Name + object.Function.Name}, nil
}

// SchemaFormat is the format json_schema. Chat Completions has it one level deeper.
type SchemaFormat struct {
	Type       string        `json:"type"`
	JSONSchema *SchemaFields `json:"json_schema,omitempty"`
	SchemaFields
}

// SchemaFields describe a schema.
type SchemaFields struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// Format reads a form of text; nil is free text. A stream has no repair, because clients
// cannot take text back.
func Format(f *SchemaFormat, streamed bool) (*chat.Format, error) {
	switch {
	case f == nil || f.Type == "" || f.Type == "text":
		return nil, nil
	case f.Type == "json_object":
		return &chat.Format{Repair: !streamed}, nil
	case f.Type != "json_schema":
		return nil, chat.Errorf(chat.CodeInvalid, "unknown format %q: use text, json_object or json_schema", f.Type)
	}
	fields := f.SchemaFields
	if f.JSONSchema != nil {
		fields = *f.JSONSchema
	}
	if fields.Name == "" || len(fields.Schema) == 0 {
		return nil, chat.Errorf(chat.CodeInvalid, "the format json_schema needs a name and a schema")
	}
	return &chat.Format{Name: fields.Name, Description: fields.Description, Schema: fields.Schema, Strict: fields.Strict, Repair: !streamed}, nil
}

// Priority maps service_tier. The tiers auto and default, and unknown ones, are normal.
func Priority(tier string) chat.Priority {
	switch tier {
	case "priority":
		return chat.PriorityUrgent
	case "flex", "batch":
		return chat.PriorityBackground
	}
	return chat.PriorityNormal
}
