package openai

import (
	"encoding/json"

	"chat"
	"chat/daemon/api/openai/input"
)

// origin is what the Origin of a task holds: what a response repeats of its request and the
// parameters do not have.
type origin struct {
	Model              string            `json:"model,omitempty"`
	Background         bool              `json:"background,omitempty"`
	NotStored          bool              `json:"not_stored,omitempty"`
	Deleted            bool              `json:"deleted,omitempty"`
	Compaction         bool              `json:"compaction,omitempty"` // the answer is a summary
	PreviousResponseID string            `json:"previous_response_id,omitempty"`
	InConversation     bool              `json:"in_conversation,omitempty"` // the request named a conversation
	Metadata           map[string]string `json:"metadata,omitempty"`
	ServiceTier        string            `json:"service_tier,omitempty"`
	Truncation         string            `json:"truncation,omitempty"`
	Summary            string            `json:"summary,omitempty"` // of the reasoning
	Verbosity          string            `json:"verbosity,omitempty"`
	User               string            `json:"user,omitempty"`
	SafetyIdentifier   string            `json:"safety_identifier,omitempty"`
	PromptCacheKey     string            `json:"prompt_cache_key,omitempty"`
	MaxToolCalls       *int              `json:"max_tool_calls,omitempty"`
}

// check bounds what every event with the response repeats.
func (o *origin) check() error {
	for _, f := range []struct{ name, value string }{
		{"previous_response_id", o.PreviousResponseID},
		{"service_tier", o.ServiceTier},
		{"reasoning.summary", o.Summary},
		{"text.verbosity", o.Verbosity},
		{"user", o.User},
		{"safety_identifier", o.SafetyIdentifier},
		{"prompt_cache_key", o.PromptCacheKey},
	} {
		if len(f.value) > maxMetadataValue {
			return invalid("%s has at most %d bytes", f.name, maxMetadataValue)
		}
	}
	return nil
}

// completionsOrigin is the Origin of a chat completion, of which nothing has to be repeated.
const completionsOrigin = "{}"

// originOf returns the origin of a task, an empty one if the task was submitted in another
// format.
func originOf(t chat.Task) origin {
	var o origin
	if t.Origin != "" {
		_ = json.Unmarshal([]byte(t.Origin), &o) // of another format: not ours
	}
	return o
}

// response is the resource. Every field that the schema requires is there, null included.
type response struct {
	ID                 string            `json:"id"`
	Object             string            `json:"object"`
	CreatedAt          int64             `json:"created_at"`
	CompletedAt        *int64            `json:"completed_at"`
	Status             string            `json:"status"`
	IncompleteDetails  *incomplete       `json:"incomplete_details"`
	Model              string            `json:"model"`
	PreviousResponseID *string           `json:"previous_response_id"`
	Conversation       *conversationRef  `json:"conversation,omitempty"`
	Instructions       *string           `json:"instructions"`
	Output             []json.RawMessage `json:"output"`
	Error              *responseError    `json:"error"`
	Tools              []input.Tool      `json:"tools"`
	ToolChoice         any               `json:"tool_choice"`
	Truncation         string            `json:"truncation"`
	ParallelToolCalls  bool              `json:"parallel_tool_calls"`
	Text               textField         `json:"text"`
	TopP               float64           `json:"top_p"`
	PresencePenalty    float64           `json:"presence_penalty"`
	FrequencyPenalty   float64           `json:"frequency_penalty"`
	TopLogprobs        int               `json:"top_logprobs"`
	Temperature        float64           `json:"temperature"`
	Reasoning          *reasoningField   `json:"reasoning"`
	User               *string           `json:"user"`
	Usage              *responseUsage    `json:"usage"`
	MaxOutputTokens    *int              `json:"max_output_tokens"`
	MaxToolCalls       *int              `json:"max_tool_calls"`
	Store              bool              `json:"store"`
	Background         bool              `json:"background"`
	ServiceTier        string            `json:"service_tier"`
	Metadata           map[string]string `json:"metadata"`
	SafetyIdentifier   *string           `json:"safety_identifier"`
	PromptCacheKey     *string           `json:"prompt_cache_key"`
}

type incomplete struct {
	Reason string `json:"reason"`
}

type conversationRef struct {
	ID string `json:"id"`
}

type responseError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type textField struct {
	Format    input.SchemaFormat `json:"format"`
	Verbosity *string            `json:"verbosity,omitempty"`
}

type reasoningField struct {
	Effort  *string `json:"effort"`
	Summary *string `json:"summary"`
}

type responseUsage struct {
	InputTokens        int           `json:"input_tokens"`
	InputTokensDetails inputDetails  `json:"input_tokens_details"`
	OutputTokens       int           `json:"output_tokens"`
	OutputDetails      outputDetails `json:"output_tokens_details"`
	TotalTokens        int           `json:"total_tokens"`
}

type inputDetails struct {
	CachedTokens     int `json:"cached_tokens"`
	CacheWriteTokens int `json:"cache_write_tokens"`
}

type outputDetails struct {
	ReasoningTokens int `json:"reasoning_tokens"`
}

func detailsOf(u *chat.Usage) (inputDetails, outputDetails) {
	return inputDetails{u.CachedTokens, u.CacheWriteTokens}, outputDetails{u.ReasoningTokens}
}

// The statuses of a response and of its items.
const (
	statusQueued     = "queued"
	statusInProgress = "in_progress"
	statusCompleted  = "completed"
	statusIncomplete = "incomplete"
	statusFailed     = "failed"
	statusCancelled  = "cancelled"
)

// newResponse returns the resource of a task without its state. It depends only on what
// does not change after the task was accepted, so that events with it are always the same.
func newResponse(t chat.Task) response {
	o, p := originOf(t), t.Parameters
	if p == nil {
		p = &chat.Parameters{}
	}
	tools := []input.Tool{}
	for _, f := range p.Tools {
		parameters := f.Parameters
		if len(parameters) == 0 {
			parameters = json.RawMessage("null")
		}
		strict := f.Strict != nil && *f.Strict
		tools = append(tools, input.Tool{Type: "function", ToolDetails: input.ToolDetails{Name: f.Name, Description: f.Description, Parameters: parameters, Strict: &strict}})
	}
	text := textField{Format: input.SchemaFormat{Type: "text"}, Verbosity: orNil(o.Verbosity)}
	if f := p.Format; f != nil {
		text.Format.Type = "json_object"
		if len(f.Schema) > 0 {
			text.Format = input.SchemaFormat{Type: "json_schema", SchemaFields: input.SchemaFields{Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict}}
		}
	}
	r := response{
		ID: responseID(t.ID), Object: "response", CreatedAt: t.CreatedAt.Unix(), Status: statusInProgress, Model: o.Model,
		PreviousResponseID: orNil(o.PreviousResponseID), Instructions: p.Instructions, Output: []json.RawMessage{},
		Tools: tools, ToolChoice: choiceField(p.ToolChoice), Truncation: orDefault(o.Truncation, "disabled"),
		ParallelToolCalls: p.ParallelToolCalls == nil || *p.ParallelToolCalls, Text: text,
		TopP: number(p.TopP, 1), Temperature: number(p.Temperature, 1),
		PresencePenalty: number(p.PresencePenalty, 0), FrequencyPenalty: number(p.FrequencyPenalty, 0),
		Reasoning: &reasoningField{orNil(p.Effort), orNil(o.Summary)}, User: orNil(o.User), MaxToolCalls: o.MaxToolCalls,
		Store: !o.NotStored, Background: o.Background, ServiceTier: orDefault(o.ServiceTier, "default"), Metadata: o.Metadata,
		SafetyIdentifier: orNil(o.SafetyIdentifier), PromptCacheKey: orNil(o.PromptCacheKey),
	}
	if p.MaxTokens > 0 {
		r.MaxOutputTokens = &p.MaxTokens
	}
	if r.Metadata == nil {
		r.Metadata = map[string]string{}
	}
	if o.InConversation {
		r.Conversation = &conversationRef{conversationPrefix + digits(t.ConversationID)}
	}
	return r
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func number(f *float64, def float64) float64 {
	if f == nil {
		return def
	}
	return *f
}

func choiceField(c *chat.ToolChoice) any {
	switch {
	case c == nil:
		return chat.ToolAuto
	case c.Name != "":
		return map[string]string{"type": "function", "name": c.Name}
	}
	return c.Mode
}

// end sets the outcome of a task, as its terminal chunk has it.
func (r *response) end(c chat.Chunk, parts chat.Parts) {
	if c.Usage != nil {
		r.Usage = newUsage(c.Usage)
	}
	switch {
	case c.State == chat.TaskCancelled:
		r.Status = statusCancelled
	case c.Type == chat.ChunkError:
		r.Status, r.Error = statusFailed, &responseError{string(c.Code), c.Content}
	default:
		r.Status = statusCompleted
		switch chat.EndingOfParts(c.FinishReason, parts) {
		case chat.EndingLength:
			r.Status, r.IncompleteDetails = statusIncomplete, &incomplete{"max_output_tokens"}
		case chat.EndingFilter:
			r.Status, r.IncompleteDetails = statusIncomplete, &incomplete{"content_filter"}
		case chat.EndingComplete, chat.EndingTool, chat.EndingFailure, chat.EndingOther:
		}
	}
}

// newUsage returns the tokens of an answer, zeros if the provider has not reported them.
func newUsage(u *chat.Usage) *responseUsage {
	if u == nil {
		return &responseUsage{}
	}
	in, out := detailsOf(u)
	return &responseUsage{u.PromptTokens, in, u.CompletionTokens, out, u.TotalTokens}
}

// itemStatus is the status of the last item of an answer with the response's outcome.
func (r *response) itemStatus() string {
	if r.Status == statusCompleted {
		return statusCompleted
	}
	return statusIncomplete
}
