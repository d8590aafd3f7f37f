package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Parameters say how a task's answer is to be made. They are stored with the task, so that
// every attempt uses them. A field that is not set leaves the choice to the provider. A
// conversation can keep those that are Lasting.
type Parameters struct {
	// Instructions replaces the conversation's system prompt for this answer; nil keeps it.
	Instructions *string `json:"instructions,omitempty"`
	// MaxTokens bounds the answer, with its reasoning.
	MaxTokens        int      `json:"max_tokens,omitempty"`
	Temperature      *float64 `json:"temperature,omitempty"`       // 0 to 2
	TopP             *float64 `json:"top_p,omitempty"`             // 0 to 1
	PresencePenalty  *float64 `json:"presence_penalty,omitempty"`  // -2 to 2
	FrequencyPenalty *float64 `json:"frequency_penalty,omitempty"` // -2 to 2
	Seed             *int64   `json:"seed,omitempty"`
	Stop             []string `json:"stop,omitempty"` // at most MaxStops
	// Effort is how much a model reasons: one of Efforts.
	Effort string `json:"effort,omitempty"`
	// Format is the form of the text; nil is free text.
	Format *Format `json:"format,omitempty"`
	// Tools can be called by the model. The client that sent them executes the calls.
	Tools      []Tool      `json:"tools,omitempty"`
	ToolChoice *ToolChoice `json:"tool_choice,omitempty"`
	// ParallelToolCalls says whether one answer may have several calls.
	ParallelToolCalls *bool `json:"parallel_tool_calls,omitempty"`
}

// Tool is a function that a model may call.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"` // a JSON Schema of the arguments
	Strict      *bool           `json:"strict,omitempty"`     // arguments always match the schema
}

// ToolChoice says whether a model has to call a tool.
type ToolChoice struct {
	Mode string `json:"mode"`           // auto, none or required
	Name string `json:"name,omitempty"` // the tool to call, if Mode is required
}

// The modes of a ToolChoice.
const (
	ToolAuto     = "auto"
	ToolNone     = "none"
	ToolRequired = "required"
)

// Format is a form of text that a model has to keep: JSON, which matches Schema if that is
// set.
type Format struct {
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"` // a JSON Schema
	// Strict says whether the provider's strict mode is used, in which the model cannot
	// violate the schema. nil leaves it out unless the provider would accept the schema.
	Strict *bool `json:"strict,omitempty"`
	// Repair says that an answer that does not match is asked for again, once. Readers then
	// see a reset.
	Repair bool `json:"repair,omitempty"`
}

// The limits of parameters.
const (
	MaxStops       = 4
	MaxTools       = 128
	MaxToolName    = 64
	maxTemperature = 2
	maxTopP        = 1
	maxTokens      = 1 << 30
	maxStop        = 256
	maxInstruction = 256 << 10
	maxSchema      = 256 << 10 // bytes of all schemas and descriptions together
)

// Efforts returns the values of Parameters.Effort, least first.
func Efforts() []string { return []string{"none", "minimal", "low", "medium", "high", "xhigh"} }

// Validate returns CodeInvalid or CodeTooLarge if a value is impossible. Whether a model
// accepts a possible one only its provider knows.
func (p *Parameters) Validate() error {
	if p == nil {
		return nil
	}
	if p.Instructions != nil && len(*p.Instructions) > maxInstruction {
		return Errorf(CodeTooLarge, "instructions have at most %d KiB", maxInstruction>>10)
	}
	if p.Instructions != nil && strings.Contains(*p.Instructions, "\x00") {
		return Errorf(CodeInvalid, "instructions contain the character NUL (U+0000): leave it out")
	}
	if p.MaxTokens < 0 || p.MaxTokens > maxTokens {
		return Errorf(CodeInvalid, "max_tokens must be from 1 to %d", maxTokens)
	}
	for _, f := range []struct {
		name      string
		value     *float64
		low, high float64
	}{
		{"temperature", p.Temperature, 0, maxTemperature},
		{"top_p", p.TopP, 0, maxTopP},
		{"presence_penalty", p.PresencePenalty, -2, 2},
		{"frequency_penalty", p.FrequencyPenalty, -2, 2},
	} {
		if f.value != nil && !(*f.value >= f.low && *f.value <= f.high) {
			return Errorf(CodeInvalid, "%s must be from %g to %g", f.name, f.low, f.high)
		}
	}
	if len(p.Stop) > MaxStops || slices.ContainsFunc(p.Stop, func(s string) bool { return s == "" || len(s) > maxStop }) {
		return Errorf(CodeInvalid, "stop has at most %d texts, none of them empty or longer than %d bytes", MaxStops, maxStop)
	}
	if p.Effort != "" && !slices.Contains(Efforts(), p.Effort) {
		return Errorf(CodeInvalid, "unknown effort %q: use %s", p.Effort, strings.Join(Efforts(), ", "))
	}
	return p.validateTools()
}

func (p *Parameters) validateTools() error {
	if len(p.Tools) > MaxTools {
		return Errorf(CodeTooLarge, "a request has at most %d tools", MaxTools)
	}
	schemas := 0
	names := map[string]bool{}
	for i, t := range p.Tools {
		schemas += len(t.Parameters) + len(t.Description)
		switch {
		case !IsToolName(t.Name):
			return Errorf(CodeInvalid, "tool %d: the name must have 1 to %d letters, digits, _ and -", i+1, MaxToolName)
		case names[t.Name]:
			return Errorf(CodeInvalid, "two tools have the name %q", t.Name)
		case len(t.Parameters) > 0 && !isObject(t.Parameters):
			return Errorf(CodeInvalid, "tool %q: parameters must be a JSON Schema, an object", t.Name)
		}
		names[t.Name] = true
	}
	if f := p.Format; f != nil {
		schemas += len(f.Schema) + len(f.Name) + len(f.Description)
		if len(f.Schema) > 0 && !isObject(f.Schema) {
			return Errorf(CodeInvalid, "the schema of the format must be a JSON Schema, an object")
		}
	}
	if schemas > maxSchema {
		return Errorf(CodeTooLarge, "the schemas and descriptions of a request have at most %d KiB", maxSchema>>10)
	}
	switch c := p.ToolChoice; {
	case c == nil:
	case c.Mode != ToolAuto && c.Mode != ToolNone && c.Mode != ToolRequired:
		return Errorf(CodeInvalid, "unknown tool choice %q: use %s, %s or %s", c.Mode, ToolAuto, ToolNone, ToolRequired)
	case c.Name != "" && !names[c.Name]:
		return Errorf(CodeInvalid, "tool_choice names the tool %q, which is not in tools", c.Name)
	case c.Mode == ToolRequired && len(p.Tools) == 0:
		return Errorf(CodeInvalid, "tool_choice requires a call, and there are no tools")
	}
	return nil
}

// IsToolName reports whether a tool can have the name.
func IsToolName(s string) bool {
	return s != "" && len(s) <= MaxToolName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

func isObject(raw json.RawMessage) bool {
	var fields map[string]json.RawMessage
	return json.Unmarshal(raw, &fields) == nil && fields != nil
}

// Encode returns the parameters as JSON, "" if there are none.
func (p *Parameters) Encode() (string, error) {
	if p == nil {
		return "", nil
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode parameters: %w", err)
	}
	if string(raw) == "{}" {
		return "", nil
	}
	return NormalizeText(string(raw)), nil
}
