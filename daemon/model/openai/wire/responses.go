package wire

import (
	"encoding/json"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
)

// Response is the body of a request to the Responses API. The penalties are chatd's own.
type Response struct {
	Model             string         `json:"model"`
	Input             []any          `json:"input"`
	Instructions      string         `json:"instructions,omitempty"`
	Background        bool           `json:"background,omitempty"`
	Stream            bool           `json:"stream"`
	Store             bool           `json:"store"`
	MaxOutputTokens   int            `json:"max_output_tokens,omitempty"`
	Temperature       *float64       `json:"temperature,omitempty"`
	TopP              *float64       `json:"top_p,omitempty"`
	PresencePenalty   *float64       `json:"presence_penalty,omitempty"`
	FrequencyPenalty  *float64       `json:"frequency_penalty,omitempty"`
	Reasoning         *reasoning     `json:"reasoning,omitempty"`
	Text              *text          `json:"text,omitempty"`
	Tools             []responseTool `json:"tools,omitempty"`
	ToolChoice        any            `json:"tool_choice,omitempty"`
	ParallelToolCalls *bool          `json:"parallel_tool_calls,omitempty"`
	PromptCacheKey    string         `json:"prompt_cache_key,omitempty"`
}

type reasoning struct {
	Effort string `json:"effort"`
}

type text struct {
	Format textFormat `json:"format"`
}

type textFormat struct {
	Type        string          `json:"type"`
	Name        string          `json:"name,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// responseTool has strict always, because its default is another one than that of Chat
// Completions.
type responseTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"` // null if there are none
	Strict      bool            `json:"strict"`
}

// function names the function that has to be called.
type function struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

const typeFunction = "function"

// HasResponse reports whether a request with the parameters can be a Response. peer says that
// the server is a chatd.
func HasResponse(p *chat.Parameters, peer bool) bool {
	return len(p.Stop) == 0 && p.Seed == nil && (peer || p.PresencePenalty == nil && p.FrequencyPenalty == nil)
}

// Set sets the parameters, which HasResponse.
func (r *Response) Set(p chat.Parameters) {
	r.MaxOutputTokens, r.Temperature, r.TopP = p.MaxTokens, p.Temperature, p.TopP
	r.PresencePenalty, r.FrequencyPenalty = p.PresencePenalty, p.FrequencyPenalty
	if p.Effort != "" {
		r.Reasoning = &reasoning{p.Effort}
	}
	if f := p.Format; f != nil {
		r.Text = &text{textFormat{Type: "json_object"}}
		if len(f.Schema) > 0 {
			s, strict := sent(f)
			r.Text.Format = textFormat{"json_schema", nameOf(f), f.Description, s, strict}
		}
	}
	for _, t := range p.Tools {
		out := responseTool{Type: typeFunction, Name: t.Name, Description: t.Description, Parameters: t.Parameters, Strict: t.Strict != nil && *t.Strict}
		if len(out.Parameters) == 0 {
			out.Parameters = json.RawMessage("null")
		}
		r.Tools = append(r.Tools, out)
	}
	if c := p.ToolChoice; c != nil {
		r.ToolChoice = c.Mode
		if c.Name != "" {
			r.ToolChoice = function{typeFunction, c.Name}
		}
	}
	if len(p.Tools) > 0 {
		r.ParallelToolCalls = p.ParallelToolCalls
	}
}

// The items of an input.
type (
	inputMessage struct {
		Role    string `json:"role"`
		Content any    `json:"content"` // a string or a list of contentPart
	}
	contentPart struct {
		Type     string `json:"type"`
		Text     string `json:"text,omitempty"`
		ImageURL string `json:"image_url,omitempty"`
		Detail   string `json:"detail,omitempty"`
	}
	inputCall struct {
		Type      string `json:"type"`
		CallID    string `json:"call_id"`
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	inputResult struct {
		Type   string `json:"type"`
		CallID string `json:"call_id"`
		Output string `json:"output"`
	}
)

// Add adds a message of Chat Completions to the input.
func (r *Response) Add(m goopenai.ChatCompletionMessage) {
	if m.Role == goopenai.ChatMessageRoleTool {
		r.Input = append(r.Input, inputResult{"function_call_output", m.ToolCallID, m.Content})
		return
	}
	switch {
	case len(m.MultiContent) > 0:
		list := make([]contentPart, len(m.MultiContent))
		for i, p := range m.MultiContent {
			list[i] = contentPart{Type: "input_text", Text: p.Text}
			if p.ImageURL != nil {
				list[i] = contentPart{Type: "input_image", ImageURL: p.ImageURL.URL, Detail: "auto"}
			}
		}
		r.Input = append(r.Input, inputMessage{m.Role, list})
	case m.Content != "":
		r.Input = append(r.Input, inputMessage{m.Role, m.Content})
	}
	for _, c := range m.ToolCalls {
		r.Input = append(r.Input, inputCall{"function_call", c.ID, c.Function.Name, c.Function.Arguments})
	}
}
