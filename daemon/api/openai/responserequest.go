package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"chat"
	"chat/daemon/api/openai/input"
)

// responseRequest is the body of POST /v1/responses. Fields that are not listed have no
// effect.
type responseRequest struct {
	Model              string            `json:"model"`
	Input              json.RawMessage   `json:"input"`
	Instructions       *string           `json:"instructions"`
	Background         bool              `json:"background"`
	Stream             bool              `json:"stream"`
	Store              *bool             `json:"store"`
	PreviousResponseID string            `json:"previous_response_id"`
	Conversation       json.RawMessage   `json:"conversation"`
	MaxOutputTokens    int               `json:"max_output_tokens"`
	MaxToolCalls       *int              `json:"max_tool_calls"`
	Temperature        *float64          `json:"temperature"`
	TopP               *float64          `json:"top_p"`
	PresencePenalty    *float64          `json:"presence_penalty"`
	FrequencyPenalty   *float64          `json:"frequency_penalty"`
	Reasoning          *reasoningRequest `json:"reasoning"`
	Text               *textRequest      `json:"text"`
	Tools              []input.Tool      `json:"tools"`
	ToolChoice         json.RawMessage   `json:"tool_choice"`
	ParallelToolCalls  *bool             `json:"parallel_tool_calls"`
	TopLogprobs        int               `json:"top_logprobs"`
	Metadata           map[string]string `json:"metadata"`
	ServiceTier        string            `json:"service_tier"`
	Truncation         string            `json:"truncation"`
	User               string            `json:"user"`
	SafetyIdentifier   string            `json:"safety_identifier"`
	PromptCacheKey     string            `json:"prompt_cache_key"`
}

type reasoningRequest struct {
	Effort  string `json:"effort"`
	Summary string `json:"summary"`
}

type textRequest struct {
	Format    *input.SchemaFormat `json:"format"`
	Verbosity string              `json:"verbosity"`
}

// The limits of metadata, as OpenAI has them. The last one is that of other short fields, too.
const (
	maxMetadata      = 16
	maxMetadataKey   = 64
	maxMetadataValue = 512
)

func (q *responseRequest) check() error {
	switch {
	case q.PreviousResponseID != "" && len(q.Conversation) > 0 && string(q.Conversation) != "null":
		return invalid("previous_response_id and conversation are two ways to continue: leave out one of them")
	case q.Background && q.Store != nil && !*q.Store:
		return invalid("a background response must be stored: leave out store, or background")
	case q.TopLogprobs != 0:
		return invalid("logprobs are not supported: leave out top_logprobs")
	case q.Truncation != "" && q.Truncation != "disabled" && q.Truncation != "auto":
		return invalid("truncation must be auto or disabled")
	case len(q.Metadata) > maxMetadata:
		return invalid("metadata has at most %d entries", maxMetadata)
	}
	for k, v := range q.Metadata {
		if len(k) > maxMetadataKey || len(v) > maxMetadataValue {
			return invalid("metadata has keys of at most %d bytes and values of at most %d", maxMetadataKey, maxMetadataValue)
		}
	}
	return nil
}

func (q *responseRequest) parameters() (*chat.Parameters, error) {
	p := &chat.Parameters{
		Instructions: q.Instructions, MaxTokens: q.MaxOutputTokens, Temperature: q.Temperature, TopP: q.TopP,
		PresencePenalty: q.PresencePenalty, FrequencyPenalty: q.FrequencyPenalty, ParallelToolCalls: q.ParallelToolCalls,
	}
	if q.Reasoning != nil {
		p.Effort = q.Reasoning.Effort
	}
	var err error
	if p.Tools, err = input.Tools(q.Tools); err != nil {
		return nil, err
	}
	if p.ToolChoice, err = input.Choice(q.ToolChoice); err != nil {
		return nil, err
	}
	if q.Text != nil {
		if p.Format, err = input.Format(q.Text.Format, q.Stream); err != nil {
			return nil, err
		}
	}
	return p, p.Validate()
}

func (q *responseRequest) origin() origin {
	o := origin{
		Model: q.Model, Background: q.Background, NotStored: q.Store != nil && !*q.Store, PreviousResponseID: q.PreviousResponseID,
		Metadata: q.Metadata, ServiceTier: q.ServiceTier, Truncation: q.Truncation, User: q.User,
		SafetyIdentifier: q.SafetyIdentifier, PromptCacheKey: q.PromptCacheKey, MaxToolCalls: q.MaxToolCalls,
	}
	if q.ServiceTier == "auto" {
		o.ServiceTier = "default"
	}
	if q.Reasoning != nil {
		o.Summary = q.Reasoning.Summary
	}
	if q.Text != nil {
		o.Verbosity = q.Text.Verbosity
	}
	return o
}

// submission returns the request as a submission.
func (q *responseRequest) submission(d *reader) (chat.Submission, error) {
	params, err := q.parameters()
	if err == nil {
		err = q.check()
	}
	if err == nil {
		err = d.addInput(q.Input)
	}
	if err != nil {
		return chat.Submission{}, err
	}
	return q.assemble(d, params, q.origin())
}

// assemble returns the submission of what d has read.
func (q *responseRequest) assemble(d *reader, params *chat.Parameters, o origin) (chat.Submission, error) {
	if err := o.check(); err != nil {
		return chat.Submission{}, err
	}
	sub, err := d.Submission()
	if err != nil {
		return sub, err
	}
	if len(d.System) > 0 { // messages of the system and of developers add to the instructions
		all := d.System
		if params.Instructions != nil {
			all = append([]string{*params.Instructions}, all...)
		}
		joined := strings.Join(all, "\n\n")
		params.Instructions = &joined
	}
	sub.Parameters, sub.Model, sub.Priority = params, q.Model, input.Priority(q.ServiceTier)
	if err := q.place(d, &sub, &o); err != nil {
		return sub, err
	}
	if err := checkResults(d, &sub); err != nil {
		return sub, err
	}
	encoded, err := json.Marshal(o)
	sub.Origin = string(encoded)
	return sub, err
}

// addInput reads the field input: a string, or a list of items.
func (d *reader) addInput(raw json.RawMessage) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		d.Add(chat.RoleUser, chat.TextParts(text))
		return nil
	}
	var items []inputParam
	if err := json.Unmarshal(raw, &items); err != nil {
		return invalid("input must be a string or a list of items")
	}
	for i := range items {
		if err := items[i].addTo(d, fmt.Sprintf("input[%d]", i)); err != nil {
			return err
		}
	}
	return nil
}
