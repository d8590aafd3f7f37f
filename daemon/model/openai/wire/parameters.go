// Package wire builds the body of a request for an answer, in the form of Chat Completions or
// of Responses: the messages, and the parameters.
package wire

import (
	"cmp"
	"encoding/json"

	goopenai "github.com/sashabaranov/go-openai"

	"chat"
	"chat/internal/schema"
)

// Request is the body of a request. Its own fields replace those of the library's type that
// cannot hold a zero.
type Request struct {
	goopenai.ChatCompletionRequest

	Messages         []Message `json:"messages"`
	Temperature      *float64  `json:"temperature,omitempty"`
	TopP             *float64  `json:"top_p,omitempty"`
	PresencePenalty  *float64  `json:"presence_penalty,omitempty"`
	FrequencyPenalty *float64  `json:"frequency_penalty,omitempty"`
	Seed             *int64    `json:"seed,omitempty"`
	PromptCacheKey   string    `json:"prompt_cache_key,omitempty"`
}

// Set sets the parameters. completionTokens says that the server knows
// max_completion_tokens, which some models require, and others do not know.
func (r *Request) Set(p chat.Parameters, completionTokens bool) {
	r.Temperature, r.TopP, r.PresencePenalty, r.FrequencyPenalty, r.Seed = p.Temperature, p.TopP, p.PresencePenalty, p.FrequencyPenalty, p.Seed
	if completionTokens {
		r.MaxCompletionTokens = p.MaxTokens
	} else {
		r.MaxTokens = p.MaxTokens //nolint:staticcheck // what servers other than OpenAI know
	}
	r.Stop, r.ReasoningEffort = p.Stop, p.Effort
	r.Tools = tools(p.Tools)
	if c := p.ToolChoice; c != nil {
		r.ToolChoice = c.Mode
		if c.Name != "" {
			r.ToolChoice = goopenai.ToolChoice{Type: goopenai.ToolTypeFunction, Function: goopenai.ToolFunction{Name: c.Name}}
		}
	}
	if p.ParallelToolCalls != nil && len(p.Tools) > 0 {
		r.ParallelToolCalls = *p.ParallelToolCalls
	}
	if f := p.Format; f != nil {
		r.ResponseFormat = &goopenai.ChatCompletionResponseFormat{Type: goopenai.ChatCompletionResponseFormatTypeJSONObject}
		if len(f.Schema) > 0 {
			s, strict := sent(f)
			r.ResponseFormat.Type = goopenai.ChatCompletionResponseFormatTypeJSONSchema
			r.ResponseFormat.JSONSchema = &goopenai.ChatCompletionResponseFormatJSONSchema{
				Name: nameOf(f), Description: f.Description, Schema: s, Strict: strict != nil && *strict,
			}
		}
	}
}

// sent returns the schema of a format as it is sent, and whether in strict mode.
func sent(f *chat.Format) (json.RawMessage, *bool) {
	if f.Strict == nil {
		if s, ok := schema.Strict(f.Schema); ok {
			return s, &ok
		}
	}
	return f.Schema, f.Strict
}

// nameOf is the name of a format, which providers require.
func nameOf(f *chat.Format) string { return cmp.Or(f.Name, "answer") }

func tools(list []chat.Tool) []goopenai.Tool {
	var out []goopenai.Tool
	for _, t := range list {
		f := &goopenai.FunctionDefinition{Name: t.Name, Description: t.Description, Strict: t.Strict != nil && *t.Strict}
		if len(t.Parameters) > 0 {
			f.Parameters = t.Parameters
		}
		out = append(out, goopenai.Tool{Type: goopenai.ToolTypeFunction, Function: f})
	}
	return out
}
