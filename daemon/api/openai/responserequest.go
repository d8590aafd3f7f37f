package openai

import (
	"encoding/json"
	"fmt"
	"strings"

	"chat"
	"chat/internal/thread"
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
	Tools              []tool            `json:"tools"`
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
	Format    *schemaFormat `json:"format"`
	Verbosity string        `json:"verbosity"`
}

// The limits of metadata, as OpenAI has them.
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
	if p.Tools, err = toolsOf(q.Tools); err != nil {
		return nil, err
	}
	if p.ToolChoice, err = choiceOf(q.ToolChoice); err != nil {
		return nil, err
	}
	if q.Text != nil {
		if p.Format, err = formatOf(q.Text.Format, q.Stream); err != nil {
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
	var sub chat.Submission
	params, err := q.parameters()
	if err == nil {
		err = q.check()
	}
	if err == nil {
		err = d.addInput(q.Input)
	}
	if err != nil {
		return sub, err
	}
	if sub, err = d.submission(); err != nil {
		return sub, err
	}
	if len(d.system) > 0 { // messages of the system and of developers add to the instructions
		all := d.system
		if params.Instructions != nil {
			all = append([]string{*params.Instructions}, all...)
		}
		joined := strings.Join(all, "\n\n")
		params.Instructions = &joined
		if err := params.Validate(); err != nil {
			return sub, err
		}
	}
	o := q.origin()
	sub.Parameters, sub.Model, sub.Priority, sub.Temporary = params, q.Model, priorityOf(q.ServiceTier), o.NotStored
	if err := q.place(d, &sub, &o); err != nil {
		return sub, err
	}
	encoded, err := json.Marshal(o)
	sub.Origin = string(encoded)
	return sub, err
}

// place sets where the message belongs: after a response, in a conversation, or in a new
// one.
func (q *responseRequest) place(d *reader, sub *chat.Submission, o *origin) error {
	owner, store := d.backend.Owner(d.request), d.backend.Store()
	switch {
	case q.PreviousResponseID != "":
		id, err := taskOf(q.PreviousResponseID)
		if err != nil {
			return err
		}
		task, err := store.Task(d.request.Context(), owner, id)
		if err != nil || originOf(task).Deleted {
			return chat.Errorf(chat.CodeNotFound, "previous_response_id: no response has the id %q", q.PreviousResponseID)
		}
		if !task.State.Terminal() {
			return chat.Errorf(chat.CodeBusy, "previous_response_id: that response is not complete: wait for it, or cancel it")
		}
		sub.ConversationID, sub.ParentID = task.ConversationID, task.MessageID
	case len(q.Conversation) > 0 && string(q.Conversation) != "null":
		id, err := conversationID(q.Conversation)
		if err != nil {
			return err
		}
		sub.ConversationID, o.InConversation = id, true
	}
	if !o.NotStored || sub.ConversationID == "" {
		sub.Temporary = o.NotStored
		return nil
	}
	return copyThread(d, sub)
}

// copyThread moves a submission that is not to be stored from its conversation to a
// temporary one, with a copy of the messages before it.
func copyThread(d *reader, sub *chat.Submission) error {
	owner, store := d.backend.Owner(d.request), d.backend.Store()
	conv, err := store.Conversation(d.request.Context(), owner, sub.ConversationID)
	if err != nil {
		return err
	}
	all, err := store.Messages(d.request.Context(), owner, sub.ConversationID)
	if err != nil {
		return err
	}
	path := thread.New(all).Path(nil)
	if sub.ParentID != "" {
		path = thread.New(all).To(sub.ParentID)
	}
	before := make([]chat.Message, 0, len(path)+len(sub.History))
	for i := range path {
		before = append(before, chat.Message{Role: path[i].Role, Parts: path[i].Parts})
	}
	sub.History = append(before, sub.History...)
	sub.ConversationID, sub.ParentID, sub.System = "", "", conv.System
	return nil
}

// conversationID reads the field conversation: an id, or an object with one.
func conversationID(raw json.RawMessage) (string, error) {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		var object conversationRef
		if json.Unmarshal(raw, &object) != nil || object.ID == "" {
			return "", invalid("conversation must be an id, or an object with an id")
		}
		id = object.ID
	}
	return parseID(id, conversationPrefix, "conversation")
}

// addInput reads the field input: a string, or a list of items.
func (d *reader) addInput(raw json.RawMessage) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		d.add(chat.RoleUser, chat.TextParts(text))
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
