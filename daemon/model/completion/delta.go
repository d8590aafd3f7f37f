package completion

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Delta is a piece of a message. Its content and its reasoning come under many names and
// in many forms: UnmarshalJSON reads them all, and scan the most common.
type Delta struct {
	Content Text
	Refusal Text
	// The reasoning. Servers that send several names repeat it under each.
	ReasoningContent Text // reasoning_content: DeepSeek, vLLM, llama.cpp, Qwen, Zhipu, Kimi, xAI, LiteLLM
	Reasoning        Text // reasoning: OpenRouter, Ollama, Groq, LM Studio, newer vLLM
	OtherReasoning   Text // under one of otherReasoning, or in the parts of the content
	// Thought says that the content is reasoning, as Gemini's OpenAI layer does.
	Thought bool

	Extras
}

// Extras are what a message has beside its text. Pictures and sounds are counted only.
type Extras struct {
	Pictures, Sounds int
	Calls            []CallDelta // of tools
}

// otherReasoning are further names of reasoning, the most telling first: MiniMax and
// OpenRouter; LiteLLM; GitHub Copilot; Ollama and gateways to Anthropic; others.
var otherReasoning = []string{ //nolint:gochecknoglobals // a constant in all but type
	"reasoning_details", "thinking_blocks", "reasoning_text", "thinking", "thinking_content", "reasoning_summary",
	"thought", "thoughts", "cot_summary",
}

func isOtherReasoning(key []byte) bool {
	for _, name := range otherReasoning {
		if string(key) == name {
			return true
		}
	}
	return false
}

// UnmarshalJSON reads a delta of any form.
func (d *Delta) UnmarshalJSON(b []byte) error {
	*d = Delta{}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return fmt.Errorf("a delta: %w", err)
	}
	for key, value := range fields {
		if lower := strings.ToLower(key); lower != key {
			fields[lower] = value
		}
	}
	var content, refusal pieces
	content.read(fields["content"], answerText, 0)
	refusal.read(fields["refusal"], answerText, 0)
	d.Content, d.Refusal = content.text, refusal.text
	d.ReasoningContent, d.Reasoning = reasoningIn(fields["reasoning_content"]), reasoningIn(fields["reasoning"])
	if d.ReasoningContent == "" && d.Reasoning == "" {
		d.OtherReasoning = content.reasoning
		for _, name := range otherReasoning {
			if d.OtherReasoning == "" {
				d.OtherReasoning = reasoningIn(fields[name])
			}
		}
	}
	d.Thought = saysThought(fields["extra_content"])
	d.Extras = content.Extras
	d.readExtras(fields)
	return nil
}

func (d *Delta) readExtras(fields map[string]json.RawMessage) {
	var media pieces
	media.read(fields["images"], picture, 0)
	media.read(fields["image"], picture, 0)
	d.Pictures += media.Pictures
	var sound audio
	if json.Unmarshal(fields["audio"], &sound) == nil && sound != (audio{}) {
		d.Sounds++
		if d.Content == "" {
			d.Content = sound.Transcript
		}
	}
	d.Calls = append(d.Calls, callsIn(fields)...)
}

// audio is a voice, and what it says.
type audio struct {
	ID         Text `json:"id"`
	Data       Text `json:"data"`
	Transcript Text `json:"transcript"`
}

type functionCall struct {
	Name      Text            `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// toolCall is a call, or a piece of one, in the form of OpenAI, or as a part of the
// content: Anthropic's, Databricks'.
type toolCall struct {
	Index     *int            `json:"index"`
	ID        Text            `json:"id"`
	Function  functionCall    `json:"function"`
	Name      Text            `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Input     json.RawMessage `json:"input"`
}

// UnnamedTool is the name of a tool whose call does not name it.
const UnnamedTool = "unnamed"

// reasoningIn returns the reasoning in a value of any form: a string, an object, or an
// array of those.
func reasoningIn(raw json.RawMessage) Text {
	var p pieces
	p.read(raw, reasoningText, 0)
	return p.reasoning
}

// saysThought reports whether raw is the mark of Gemini's OpenAI layer for thoughts.
func saysThought(raw json.RawMessage) bool {
	var mark struct {
		Google struct {
			Thought bool `json:"thought"`
		} `json:"google"`
	}
	return json.Unmarshal(raw, &mark) == nil && mark.Google.Thought
}

// pieces are the parts of content that is not just a string.
type pieces struct {
	text, reasoning Text
	Extras
}

// kind is what a string in content is.
type kind int

const (
	answerText kind = iota
	reasoningText
	picture
)

// maxParts bounds how deep parts may be nested.
const maxParts = 6

// read adds a string, a part, or an array of parts. Parts have a type (text, output_text,
// refusal; thinking, reasoning, summary_text, reasoning.text …), and their text in a field
// named text or like the type.
func (p *pieces) read(raw json.RawMessage, as kind, depth int) {
	if len(raw) == 0 || depth > maxParts {
		return
	}
	switch raw[0] {
	case '"':
		switch s := Text(unquote(raw)); as {
		case answerText:
			p.text += s
		case reasoningText:
			p.reasoning += s
		case picture:
			if s != "" {
				p.Pictures++
			}
		}
	case '[':
		var items []json.RawMessage
		if json.Unmarshal(raw, &items) == nil {
			for _, item := range items {
				p.read(item, as, depth+1)
			}
		}
	case '{':
		p.readPart(raw, as, depth)
	}
}

func (p *pieces) readPart(raw json.RawMessage, as kind, depth int) {
	var part map[string]json.RawMessage
	if json.Unmarshal(raw, &part) != nil {
		return
	}
	var typ Text
	_ = typ.UnmarshalJSON(part["type"]) // it is a string, or none
	switch name := strings.ToLower(string(typ)); {
	case strings.Contains(name, "image") || part["image_url"] != nil || part["inline_data"] != nil || part["b64_json"] != nil:
		p.Pictures++
		return
	case strings.Contains(name, "audio"):
		p.Sounds++
		return
	case strings.HasPrefix(name, "tool") || strings.HasPrefix(name, "function"):
		var call toolCall
		if json.Unmarshal(raw, &call) == nil {
			p.Calls = append(p.Calls, call.delta())
		}
		return
	case strings.Contains(name, "encrypted") || strings.Contains(name, "redacted") || strings.Contains(name, "reference"):
		return
	case strings.Contains(name, "thinking") || strings.Contains(name, "reasoning") || strings.Contains(name, "summary") || strings.Contains(name, "thought"):
		as = reasoningText
	}
	if string(part["thought"]) == "true" { // Gemini's own parts
		as = reasoningText
	}
	before := len(p.text) + len(p.reasoning)
	for _, name := range []string{"text", "output_text", "refusal", "value", "content", "parts"} {
		if p.read(part[name], as, depth+1); len(p.text)+len(p.reasoning) > before {
			return
		}
	}
	for _, name := range []string{"thinking", "reasoning", "reasoning_text", "reasoning_content", "summary", "summary_text", "thought"} {
		if p.read(part[name], reasoningText, depth+1); len(p.text)+len(p.reasoning) > before {
			return
		}
	}
}
