package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"chat"
	"chat/daemon/api/openai/input"
	"chat/daemon/api/surface"
)

// completionRequest is the body of POST /v1/chat/completions. Fields that are not listed
// have no effect.
type completionRequest struct {
	Model               string              `json:"model"`
	Messages            []chatMessage       `json:"messages"`
	Stream              bool                `json:"stream"`
	StreamOptions       *streamOptions      `json:"stream_options"`
	MaxTokens           int                 `json:"max_tokens"`
	MaxCompletionTokens int                 `json:"max_completion_tokens"`
	Temperature         *float64            `json:"temperature"`
	TopP                *float64            `json:"top_p"`
	PresencePenalty     *float64            `json:"presence_penalty"`
	FrequencyPenalty    *float64            `json:"frequency_penalty"`
	Seed                *int64              `json:"seed"`
	Stop                json.RawMessage     `json:"stop"`
	N                   *int                `json:"n"`
	Logprobs            bool                `json:"logprobs"`
	Modalities          []string            `json:"modalities"`
	ResponseFormat      *input.SchemaFormat `json:"response_format"`
	Tools               []input.Tool        `json:"tools"`
	ToolChoice          json.RawMessage     `json:"tool_choice"`
	ParallelToolCalls   *bool               `json:"parallel_tool_calls"`
	ReasoningEffort     string              `json:"reasoning_effort"`
	ServiceTier         string              `json:"service_tier"`
	Store               bool                `json:"store"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// chatMessage is a message of a request.
type chatMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCallID string          `json:"tool_call_id"`
	ToolCalls  []chatCall      `json:"tool_calls"`
}

type chatCall struct {
	Index    *int   `json:"index,omitempty"`
	ID       string `json:"id,omitempty"`
	Type     string `json:"type,omitempty"`
	Function struct {
		Name      string `json:"name,omitempty"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

// submission returns the request as a submission in a new conversation.
func (c *completionRequest) submission(d *reader) (chat.Submission, error) {
	for i := range c.Messages {
		if err := c.Messages[i].addTo(d, fmt.Sprintf("messages[%d]", i)); err != nil {
			return chat.Submission{}, err
		}
	}
	sub, err := d.Submission()
	if err != nil {
		return sub, err
	}
	sub.System = strings.Join(d.System, "\n\n")
	sub.Model, sub.Priority, sub.Temporary, sub.Origin = c.Model, input.Priority(c.ServiceTier), !c.Store, completionsOrigin
	sub.Parameters, err = c.parameters()
	return sub, err
}

func (m *chatMessage) addTo(d *reader, at string) error {
	switch m.Role {
	case "tool", "function":
		parts, err := d.Content(m.Content, at)
		if err != nil {
			return err
		}
		d.Add(chat.RoleUser, chat.Parts{{Type: chat.PartToolResult, CallID: m.ToolCallID, Text: parts.Text()}})
		return nil
	case "assistant":
		if err := d.AddMessage(m.Role, m.Content, at); err != nil {
			return err
		}
		for _, call := range m.ToolCalls {
			d.Add(chat.RoleAssistant, chat.Parts{{Type: chat.PartToolCall, CallID: call.ID, Name: call.Function.Name, Text: call.Function.Arguments}})
		}
		return nil
	}
	return d.AddMessage(m.Role, m.Content, at)
}

func (c *completionRequest) parameters() (*chat.Parameters, error) {
	switch {
	case c.N != nil && *c.N != 1:
		return nil, invalid("n must be 1: this server makes one answer for a request")
	case c.Logprobs:
		return nil, invalid("logprobs are not supported: leave them out")
	case slices.Contains(c.Modalities, "audio"):
		return nil, invalid("audio is not supported: leave it out of modalities")
	}
	p := &chat.Parameters{
		MaxTokens: max(c.MaxTokens, c.MaxCompletionTokens), Temperature: c.Temperature, TopP: c.TopP,
		PresencePenalty: c.PresencePenalty, FrequencyPenalty: c.FrequencyPenalty, Seed: c.Seed,
		Effort: c.ReasoningEffort, ParallelToolCalls: c.ParallelToolCalls,
	}
	var err error
	if p.Stop, err = stops(c.Stop); err != nil {
		return nil, err
	}
	if p.Tools, err = input.Tools(c.Tools); err != nil {
		return nil, err
	}
	if p.ToolChoice, err = input.Choice(c.ToolChoice); err != nil {
		return nil, err
	}
	if p.Format, err = input.Format(c.ResponseFormat, c.Stream); err != nil {
		return nil, err
	}
	return p, p.Validate()
}

// stops reads stop: a string or a list.
func stops(raw json.RawMessage) ([]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var list []string
	if json.Unmarshal(raw, &list) != nil {
		return nil, invalid("stop must be a string or a list of strings")
	}
	return list, nil
}

// createCompletion serves POST /v1/chat/completions.
func (a *API) createCompletion(w http.ResponseWriter, r *http.Request) error {
	var in completionRequest
	s, err := a.ask(w, r, &in)
	if err != nil {
		return err
	}
	head := completionHead{ID: completionPrefix + digits(s.TaskID()), Created: s.Task().CreatedAt.Unix(), Model: in.Model}
	if in.Stream {
		e := &completionEncoder{head: head, usage: in.StreamOptions != nil && in.StreamOptions.IncludeUsage}
		a.backend.Send(w, r, s, surface.Latest(e, s.Task()))
		return nil
	}
	task, answer, err := a.await(r, s)
	if err != nil {
		return err
	}
	if e := failureOf(task); e != nil {
		return e
	}
	head.Model = task.Model
	writeJSON(w, http.StatusOK, completionOf(head, task, answer))
	return nil
}

// completionHead are the fields that all objects of one completion have.
type completionHead struct {
	ID      string
	Created int64
	Model   string
}

// completion is the object of a whole completion.
type completion struct {
	ID      string             `json:"id"`
	Object  string             `json:"object"`
	Created int64              `json:"created"`
	Model   string             `json:"model"`
	Choices []completionChoice `json:"choices"`
	Usage   *completionUsage   `json:"usage,omitempty"`
}

type completionChoice struct {
	Index        int               `json:"index"`
	Message      completionMessage `json:"message"`
	Logprobs     *struct{}         `json:"logprobs"`
	FinishReason string            `json:"finish_reason"`
}

type completionMessage struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	Refusal   *string    `json:"refusal"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

type completionUsage struct {
	PromptTokens      int           `json:"prompt_tokens"`
	CompletionTokens  int           `json:"completion_tokens"`
	TotalTokens       int           `json:"total_tokens"`
	PromptDetails     inputDetails  `json:"prompt_tokens_details"`
	CompletionDetails outputDetails `json:"completion_tokens_details"`
}

func usageOf(u *chat.Usage) *completionUsage {
	if u == nil {
		return nil
	}
	in, out := detailsOf(u)
	return &completionUsage{u.PromptTokens, u.CompletionTokens, u.TotalTokens, in, out}
}

func completionOf(head completionHead, task chat.Task, answer chat.Parts) completion {
	m := completionMessage{Role: "assistant", Reasoning: answer.Reasoning()}
	for _, p := range answer {
		if p.Type == chat.PartToolCall {
			call := chatCall{ID: p.CallID, Type: "function"}
			call.Function.Name, call.Function.Arguments = p.Name, p.Text
			m.ToolCalls = append(m.ToolCalls, call)
		}
	}
	if text := answer.Text(); text != "" || len(m.ToolCalls) == 0 {
		m.Content = &text
	}
	return completion{
		ID: head.ID, Object: "chat.completion", Created: head.Created, Model: head.Model, Usage: usageOf(task.Usage),
		Choices: []completionChoice{{Message: m, FinishReason: finishReason(task.FinishReason, answer)}},
	}
}

// finishReason returns the name that clients of OpenAI know.
func finishReason(reason string, answer chat.Parts) string {
	switch chat.EndingOfParts(reason, answer) {
	case chat.EndingLength:
		return "length"
	case chat.EndingFilter:
		return "content_filter"
	case chat.EndingTool:
		return "tool_calls"
	case chat.EndingComplete, chat.EndingFailure, chat.EndingOther:
	}
	return "stop"
}

var _ surface.Encoder = (*completionEncoder)(nil)
