package anthropic

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/continuation"
	"chat/daemon/model/draft"
	"chat/daemon/model/network"
)

// defaultTokens bounds an answer whose length was not limited, in tokens. The API requires a
// bound.
const defaultTokens = 32_000

// body is the body of a request.
type body struct {
	Model       string      `json:"model"`
	MaxTokens   int         `json:"max_tokens"`
	Stream      bool        `json:"stream"`
	System      []block     `json:"system,omitempty"`
	Messages    []turn      `json:"messages"`
	Temperature *float64    `json:"temperature,omitempty"`
	TopP        *float64    `json:"top_p,omitempty"`
	Stop        []string    `json:"stop_sequences,omitempty"`
	Thinking    *thinking   `json:"thinking,omitempty"`
	Output      *output     `json:"output_config,omitempty"`
	Tools       []tool      `json:"tools,omitempty"`
	ToolChoice  *toolChoice `json:"tool_choice,omitempty"`
}

// output is the field output_config.
type output struct {
	Effort string  `json:"effort,omitempty"`
	Format *format `json:"format,omitempty"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"input_schema"`
	Strict      bool            `json:"strict,omitempty"`
	Cache       *cache          `json:"cache_control,omitempty"`
}

type toolChoice struct {
	Type   string `json:"type"`
	Name   string `json:"name,omitempty"`
	Single bool   `json:"disable_parallel_tool_use,omitempty"`
}

func (b *body) output() *output {
	if b.Output == nil {
		b.Output = &output{}
	}
	return b.Output
}

// request is the draft of a request for an answer.
type request struct {
	*draft.Draft[form]
	p *Provider

	noThoughts  bool // the provider refused the reasoning in the conversation
	noReasoning bool // the provider refused to reason in this conversation
	room        int  // tokens that the conversation leaves for the answer; 0 if unknown
}

func newRequest(p *Provider, req model.Request) *request {
	r := &request{Draft: p.client.learned.Draft(draft.Server{Base: p.to.Base, Key: p.to.Key, Host: p.to.Host}, req.Model, req), p: p}
	r.Keeper, r.Copied = p.keeper, func(*chat.Attachment) bool { return true }
	if name := network.KnownName(p.to.Hostname()); name != "" && name != Name {
		r.SendText() // their Messages API is not known to have documents
	}
	r.Adapts(func() []draft.Adaptation { return r.WithMessages(r.adaptations()...) })
	return r
}

// facts are what is known of the model.
func (r *request) facts() facts { return r.p.facts(r.Model) }

// body returns the body. Only the parameters that were asked for are set, so that every model
// accepts it.
func (r *request) body(ctx context.Context) (*body, error) {
	out := &body{Model: r.Model, Stream: true}
	r.reason(out)
	r.set(out)
	r.Way = continuation.Asked
	if !r.Form.noPrefill && !out.reasons() {
		r.Way = continuation.Prefilled
	}
	list, err := r.Thread(func(part *chat.Part) bool { _, ok := r.own(part); return ok })
	if err != nil {
		return nil, err
	}
	t := turns{load: r.Load, ids: ids{}, own: func(part *chat.Part) (block, bool) {
		kept, ok := r.own(part)
		return thought(part, kept), ok
	}}
	for _, m := range list {
		if err := t.message(ctx, m); err != nil {
			return nil, err
		}
	}
	out.Messages = t.list
	if strings.TrimSpace(r.Request.System) != "" {
		out.System = []block{{Type: typeText, Text: r.Request.System}}
	}
	if !r.Form.noCache {
		markTurns(out.Messages)
		if n := len(out.System); n > 0 {
			out.System[n-1].Cache = ephemeral()
		}
		if n := len(out.Tools); n > 0 {
			out.Tools[n-1].Cache = ephemeral()
		}
	}
	return out, nil
}

// set sets the parameters that do not concern reasoning.
func (r *request) set(out *body) {
	p := r.Request.Parameters
	out.Stop = p.Stop
	if p.Temperature != nil && !r.Form.noTemperature && !(out.reasons() && *p.Temperature != 1) {
		out.Temperature = p.Temperature
	}
	if p.TopP != nil && !r.Form.noTopP && !(out.reasons() && *p.TopP < minTopP) {
		out.TopP = p.TopP
	}
	for _, t := range p.Tools {
		out.Tools = append(out.Tools, tool{
			Name: t.Name, Description: t.Description, Schema: objectSchema(t.Parameters), Strict: t.Strict != nil && *t.Strict && !r.Form.noStrict,
		})
	}
	if len(p.Tools) > 0 {
		out.ToolChoice = r.toolChoice()
	}
	if f := p.Format; f != nil && len(f.Schema) > 0 {
		out.output().Format = &format{"json_schema", f.Schema}
	}
}

// minTopP is the least top_p that is accepted beside reasoning.
const minTopP = 0.95

// reasons reports whether the model is asked to reason.
func (b *body) reasons() bool { return b.Thinking != nil && b.Thinking.Type != "disabled" }

func (r *request) toolChoice() *toolChoice {
	p := r.Request.Parameters
	single := p.ParallelToolCalls != nil && !*p.ParallelToolCalls
	out := &toolChoice{Type: chat.ToolAuto, Single: single}
	switch c := p.ToolChoice; {
	case c == nil && !single:
		return nil
	case c == nil || c.Mode == chat.ToolAuto:
	case c.Mode == chat.ToolNone:
		out.Type, out.Single = chat.ToolNone, false
	case r.Form.noForcedTool:
	case c.Name != "":
		out.Type, out.Name = "tool", c.Name
	default:
		out.Type = "any"
	}
	return out
}

// objectSchema returns the schema of a tool's input, which must be that of an object.
func objectSchema(schema json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	if len(schema) == 0 || json.Unmarshal(schema, &fields) != nil || fields == nil {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	if fields["type"] != nil {
		return schema
	}
	fields["type"] = json.RawMessage(`"object"`)
	out, err := json.Marshal(fields)
	if err != nil {
		return schema // cannot happen: it was decoded
	}
	return out
}

// maxTokens bounds the answer by what was asked for, or by so many tokens, within what the model
// accepts.
func (r *request) maxTokens(byDefault int) int {
	n := byDefault
	if asked := r.Request.Parameters.MaxTokens; asked > 0 {
		n = asked
	}
	for _, limit := range []int{r.facts().maxTokens, r.Form.maxTokens, r.room} {
		if limit > 0 {
			n = min(n, limit)
		}
	}
	return n
}

// Accepted implements transport.Draft.
func (r *request) Accepted() []string { return append(r.Draft.Accepted(), r.leftOut()...) }

// leftOut returns the notices about parameters that were not sent.
func (r *request) leftOut() (notices []string) {
	p, out := r.Request.Parameters, &body{}
	r.reason(out)
	for _, param := range []struct {
		name string
		set  bool
		why  string
	}{
		{"seed", p.Seed != nil, notThere},
		{"presence_penalty", p.PresencePenalty != nil, notThere},
		{"frequency_penalty", p.FrequencyPenalty != nil, notThere},
		{"format", p.Format != nil && len(p.Format.Schema) == 0, "the Messages API has no JSON without a schema"},
		{"temperature", p.Temperature != nil && !r.Form.noTemperature && out.reasons() && *p.Temperature != 1, "it cannot be combined with reasoning"},
		{"top_p", p.TopP != nil && !r.Form.noTopP && out.reasons() && *p.TopP < minTopP, "below 0.95 it cannot be combined with reasoning"},
	} {
		if param.set {
			notices = append(notices, fmt.Sprintf("the parameter %s was left out: %s", param.name, param.why))
		}
	}
	if why := r.unreasoned(out); why != "" {
		notices = append(notices, "the parameter effort was left out: "+why)
	}
	return notices
}

// notThere is why a parameter is not sent.
const notThere = "the Messages API does not have it"
