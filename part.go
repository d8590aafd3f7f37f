package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// PartType is the type of a Part.
type PartType string

// The types of parts. Text and reasoning are Markdown. Images and files refer to an
// attachment. A tool call and its result share the call's id.
const (
	PartText       PartType = "text"
	PartReasoning  PartType = "reasoning"
	PartImage      PartType = "image"
	PartFile       PartType = "file"
	PartToolCall   PartType = "tool_call"
	PartToolResult PartType = "tool_result"
)

// Part is one piece of a message. Which fields are set depends on Type:
//
//	text         Text
//	reasoning    Text, DurationMS
//	image, file  Name, MediaType, Digest, Size, Pages
//	tool_call    CallID, Name, Text: the arguments, JSON as the model wrote it
//	tool_result  CallID, Text, IsError
type Part struct {
	Type PartType `json:"type"`
	Text string   `json:"text,omitempty"`
	// DurationMS is how long the model took for this part, in milliseconds; 0 if unknown.
	DurationMS int64  `json:"duration_ms,omitempty"`
	CallID     string `json:"call_id,omitempty"`
	Name       string `json:"name,omitempty"` // of the tool, or of the file
	IsError    bool   `json:"is_error,omitempty"`
	MediaType  string `json:"media_type,omitempty"`
	Digest     string `json:"digest,omitempty"` // SHA-256 of the attachment, in lower-case hex
	Size       int64  `json:"size,omitempty"`   // of the attachment, in bytes
	Pages      int    `json:"pages,omitempty"`  // of a PDF, as far as they are known
	// ProviderData is opaque data of the provider that made the part, such as a
	// signature. It is sent back to that provider only.
	ProviderData *ProviderData `json:"provider_data,omitempty"`

	// buffer holds Text while it grows, so that appending to a long answer does not copy
	// it. Text is always a prefix of the contents of buffer.
	buffer *strings.Builder
}

// ProviderData is data that only one provider understands.
type ProviderData struct {
	Provider string          `json:"provider"`
	Data     json.RawMessage `json:"data"`
}

// Parts is the content of a message, in order.
type Parts []Part

// Apply folds one chunk into the answer so far. It is the only code that turns chunks
// into an answer; Chunks is its inverse.
//
// A part ends where the type of the chunks or the id of the tool call changes, and
// after provider data, which close a part. A reset drops everything. Terminal chunks,
// chunks without content, and chunks of an unknown type change nothing.
//
// A clone (slices.Clone) may be read while Apply changes the original. Do not call Apply
// on the clone.
func (p *Parts) Apply(c Chunk) {
	switch c.Type {
	case ChunkReset:
		*p = nil
	case ChunkContent:
		if c.Content != "" || c.ProviderData != nil {
			p.add(PartText, c)
		}
	case ChunkReasoning:
		if c.Content != "" || c.ProviderData != nil || c.DurationMS != 0 {
			p.add(PartReasoning, c)
		}
	case ChunkToolCall:
		p.add(PartToolCall, c)
	case ChunkToolResult:
		p.add(PartToolResult, c)
	case ChunkDone, ChunkError:
	default: // of a newer version
	}
}

// add appends a chunk to the last part, or to a new one.
func (p *Parts) add(typ PartType, c Chunk) {
	last := len(*p) - 1
	if last < 0 || !(*p)[last].continues(typ, c) {
		*p = append(*p, Part{Type: typ, CallID: c.CallID})
		last++
	}
	part := &(*p)[last]
	part.appendText(c.Content)
	if c.Name != "" {
		part.Name = c.Name
	}
	if c.DurationMS != 0 {
		part.DurationMS = c.DurationMS
	}
	part.IsError = part.IsError || c.IsError
	if c.ProviderData != nil {
		part.ProviderData = c.ProviderData
	}
}

// continues reports whether a chunk belongs to the part, the last one so far.
func (p *Part) continues(typ PartType, c Chunk) bool {
	if p.Type != typ || p.CallID != c.CallID {
		return false
	}
	return p.ProviderData == nil || c.Content == "" && c.Name == "" && !c.IsError && c.ProviderData == nil
}

func (p *Part) appendText(s string) {
	switch {
	case s == "":
	case p.Text == "":
		p.Text, p.buffer = s, nil
	default:
		if p.buffer == nil || p.buffer.Len() != len(p.Text) { // another copy has appended to it
			p.buffer = &strings.Builder{}
			p.buffer.WriteString(p.Text)
		}
		p.buffer.WriteString(s)
		p.Text = p.buffer.String()
	}
}

// CanJoin reports whether the content of next can be appended to c without changing the
// result of Apply.
func (c *Chunk) CanJoin(next *Chunk) bool {
	switch c.Type {
	case ChunkContent, ChunkReasoning, ChunkToolCall, ChunkToolResult:
	default:
		return false
	}
	return c.Type == next.Type && c.CallID == next.CallID && c.ProviderData == nil && c.DurationMS == 0 &&
		next.ProviderData == nil && next.DurationMS == 0 && next.Name == "" && !next.IsError
}

// Chunks returns one chunk for each part, which Apply folds into the same parts. It skips
// images and files, which are not streamed. The caller sets Index and Attempt.
func (p Parts) Chunks() []Chunk {
	chunks := make([]Chunk, 0, len(p))
	for i := range p {
		part := &p[i]
		c := Chunk{
			Content: part.Text, DurationMS: part.DurationMS, CallID: part.CallID, Name: part.Name,
			IsError: part.IsError, ProviderData: part.ProviderData,
		}
		switch part.Type {
		case PartText:
			c.Type = ChunkContent
		case PartReasoning:
			c.Type = ChunkReasoning
		case PartToolCall:
			c.Type = ChunkToolCall
		case PartToolResult:
			c.Type = ChunkToolResult
		case PartImage, PartFile:
			continue
		default:
			continue
		}
		chunks = append(chunks, c)
	}
	return chunks
}

// Text returns the concatenated text parts.
func (p Parts) Text() string { return p.join(PartText) }

// Reasoning returns the concatenated texts of the reasoning parts.
func (p Parts) Reasoning() string { return p.join(PartReasoning) }

func (p Parts) join(typ PartType) string {
	var only *Part
	n := 0
	for i := range p {
		if p[i].Type == typ {
			only = &p[i]
			n++
		}
	}
	if n == 0 {
		return ""
	}
	if n == 1 {
		return only.Text
	}
	var b strings.Builder
	for i := range p {
		if p[i].Type == typ {
			b.WriteString(p[i].Text)
		}
	}
	return b.String()
}

// ReasoningMS returns how long the model reasoned in total, in milliseconds; 0 if unknown.
func (p Parts) ReasoningMS() int64 {
	var sum int64
	for i := range p {
		sum += p[i].DurationMS
	}
	return sum
}

// Len returns the length of all texts in bytes. Of several partial answers, the store
// keeps the one with the largest Len.
func (p Parts) Len() int {
	n := 0
	for i := range p {
		n += len(p[i].Text)
	}
	return n
}

// Show returns the message as a text for people. It passes each text part through text,
// and the label of each tool call, result, image and file through line. It omits reasoning.
func (p Parts) Show(text, line func(string) string) string {
	var shown []string
	for i := range p {
		part := &p[i]
		switch part.Type {
		case PartText:
			shown = append(shown, text(part.Text))
		case PartReasoning:
		case PartToolCall, PartToolResult, PartImage, PartFile:
			shown = append(shown, line(part.Label()))
		default:
			shown = append(shown, line(string(part.Type)))
		}
	}
	return strings.Join(shown, "\n\n")
}

// Label describes the part in one line: its type, its name, and the beginning of its text.
func (p *Part) Label() string {
	const longest = 200 // characters
	text := strings.Join(strings.Fields(p.Text), " ")
	if r := []rune(text); len(r) > longest {
		text = string(r[:longest-1]) + "…"
	}
	what := string(p.Type)
	switch p.Type {
	case PartToolCall:
		what = "tool call"
	case PartToolResult:
		what = "tool result"
		if p.IsError {
			what = "tool error"
		}
	case PartImage, PartFile:
		return "[" + what + "]" + spaced(p.Name) + " " + p.FormatExtent()
	case PartText, PartReasoning:
	}
	return strings.Join(slices.DeleteFunc([]string{what, p.Name, text}, func(s string) bool { return s == "" }), " ")
}

// TextParts returns the parts of a message of one text; none if the text is empty.
func TextParts(text string) Parts {
	if text == "" {
		return nil
	}
	return Parts{{Type: PartText, Text: text}}
}

// AnswerParts returns the parts of an answer that consists of reasoning, with its duration
// in milliseconds, and a text.
func AnswerParts(reasoning string, reasoningMS int64, text string) Parts {
	var p Parts
	if reasoning != "" {
		p = append(p, Part{Type: PartReasoning, Text: reasoning, DurationMS: max(0, reasoningMS)})
	}
	return append(p, TextParts(text)...)
}

// Equal reports whether two messages have the same parts.
func (p Parts) Equal(q Parts) bool {
	return slices.EqualFunc(p, q, func(a, b Part) bool {
		if (a.ProviderData == nil) != (b.ProviderData == nil) {
			return false
		}
		if a.ProviderData != nil && (a.ProviderData.Provider != b.ProviderData.Provider || string(a.ProviderData.Data) != string(b.ProviderData.Data)) {
			return false
		}
		a.buffer, b.buffer, a.ProviderData, b.ProviderData = nil, nil, nil, nil
		return a == b
	})
}

// Normalize returns the parts with normalized texts (NormalizeText), without empty text
// parts, and with adjacent text parts joined.
func (p Parts) Normalize() Parts {
	var out Parts
	for _, part := range p {
		part.buffer = nil
		part.Text, part.Name, part.CallID = NormalizeText(part.Text), NormalizeText(part.Name), NormalizeText(part.CallID)
		part.MediaType = NormalizeText(part.MediaType)
		if part.Type == PartText && part.Text == "" && part.ProviderData == nil {
			continue
		}
		if n := len(out) - 1; n >= 0 && part.Type == PartText && out[n].Type == PartText && out[n].ProviderData == nil {
			out[n].appendText(part.Text)
			out[n].ProviderData = part.ProviderData
			continue
		}
		out = append(out, part)
	}
	return out
}

// The limits of a message's parts.
const (
	MaxParts        = 1000
	MaxPartName     = 255
	MaxCallID       = 255
	MaxMediaType    = 255
	MaxProviderData = 1 << 20 // bytes, of one part
)

// Validate returns CodeInvalid or CodeTooLarge if the parts cannot be stored as a message
// of that role. Its message has the number of the part, counted from 1. The caller checks
// the sizes of texts and attachments.
func (p Parts) Validate(role Role) error {
	if len(p) > MaxParts {
		return Errorf(CodeTooLarge, "a message has at most %d parts", MaxParts)
	}
	for i := range p {
		if what := p[i].problem(role); what != "" {
			return Errorf(CodeInvalid, "part %d: %s", i+1, what)
		}
	}
	return nil
}

// problem says why a message of that role cannot have the part, "" if it can.
func (p *Part) problem(role Role) string {
	answer := p.Type == PartReasoning || p.Type == PartToolCall
	attached := p.Type == PartImage || p.Type == PartFile
	switch {
	case !answer && !attached && p.Type != PartText && p.Type != PartToolResult:
		return fmt.Sprintf("there is no type %q", string(p.Type))
	case answer && role != RoleAssistant:
		return fmt.Sprintf("only an answer has a %s", p.Type)
	case !utf8.ValidString(p.Text) || strings.Contains(p.Text, "\x00"):
		return "text is not UTF-8 without NUL"
	case p.DurationMS < 0 || p.DurationMS != 0 && p.Type != PartReasoning:
		return "duration_ms must not be negative, and belongs to reasoning"
	case attached && !IsDigest(p.Digest):
		return "digest must be a SHA-256 in lower-case hex"
	case !attached && (p.Digest != "" || p.MediaType != "" || p.Size != 0):
		return "digest, media_type and size belong to images and files"
	case p.Size < 0 || len(p.MediaType) > MaxMediaType:
		return "size must not be negative, and media_type not be too long"
	case len(p.Name) > MaxPartName:
		return fmt.Sprintf("name has at most %d bytes", MaxPartName)
	case p.Type == PartToolCall && (p.CallID == "" || p.Name == ""):
		return "a tool call needs call_id and name"
	case p.Type == PartToolResult && p.CallID == "":
		return "a tool result needs call_id"
	case len(p.CallID) > MaxCallID:
		return fmt.Sprintf("call_id has at most %d bytes", MaxCallID)
	case p.CallID != "" && p.Type != PartToolCall && p.Type != PartToolResult, p.IsError && p.Type != PartToolResult:
		return "call_id and is_error belong to tool calls and results"
	case p.ProviderData != nil && (p.ProviderData.Provider == "" || !json.Valid(p.ProviderData.Data) || len(p.ProviderData.Data) > MaxProviderData):
		return "provider_data needs a provider and JSON that is not too long"
	}
	return ""
}

// IsDigest reports whether s is a SHA-256 in lower-case hex.
func IsDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
