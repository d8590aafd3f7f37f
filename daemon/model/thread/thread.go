// Package thread chooses what a provider gets of a conversation, in the form that all of them
// accept.
package thread

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"chat"
	"chat/daemon/model"
)

// File is an attachment as it is sent.
type File struct {
	chat.Attachment
	// Reference is the id of the provider's copy, which is sent instead of the data; "" if there is
	// none.
	Reference string
}

// Loader returns the attachment of a part.
type Loader func(ctx context.Context, p *chat.Part) (File, error)

// Omission is how much of a message is not sent.
type Omission int

// The omissions, least first.
const (
	OmitNothing  Omission = iota
	OmitPictures          // each is replaced by a line of text
	OmitMessage
)

// assistantFirst is the user's message before an answer that begins a conversation, as in
// some imported ones: many providers require that a user's message comes first.
const assistantFirst = "(The conversation begins with the assistant.)"

// Conversation returns the thread in the form that every provider accepts: user and
// assistant in turn, from the first message to the last by the user, none of them empty.
// Successive messages of the user, as after a failed answer, become one.
//
// Models receive the text of their answers without reasoning, and with those tool calls
// that the next message answers, because providers refuse calls and results without each
// other. own, if not nil, reports which reasoning the provider gets back; the parts of an answer
// then keep their order. Without it, an answer has its text, as one part, before the calls.
func Conversation(thread []chat.Message, omit []Omission, own func(*chat.Part) bool) []chat.Message {
	var out []chat.Message
	for i := range thread {
		m := &thread[i]
		parts := m.AllParts()
		switch omit[i] {
		case OmitNothing:
		case OmitPictures:
			parts = withoutPictures(parts)
		case OmitMessage:
			continue
		}
		if m.Role == chat.RoleAssistant {
			var results chat.Parts
			if i+1 < len(thread) && thread[i+1].Role == chat.RoleUser && omit[i+1] != OmitMessage {
				results = thread[i+1].AllParts()
			}
			parts = answered(parts, results, own)
		} else {
			parts = withoutStrays(parts, out)
		}
		if isEmpty(parts) {
			continue
		}
		switch last := len(out) - 1; {
		case last >= 0 && out[last].Role == m.Role:
			out[last].Parts = slices.Concat(out[last].Parts, parts)
			continue
		case last < 0 && m.Role != chat.RoleUser:
			out = append(out, chat.Message{Role: chat.RoleUser, Parts: chat.TextParts(assistantFirst)})
		}
		out = append(out, chat.Message{Role: m.Role, Parts: parts})
	}
	return out
}

// isEmpty reports whether a message has nothing for a model.
func isEmpty(parts chat.Parts) bool {
	for i := range parts {
		if t := parts[i].Type; t == chat.PartToolCall || t == chat.PartToolResult {
			return false
		}
	}
	return strings.TrimSpace(parts.Text()) == "" && len(parts.Digests()) == 0
}

// answered returns what a provider gets of an answer. Calls are left out, with their results, if
// one of them has no result: in the answer itself, or in the next message.
func answered(parts, results chat.Parts, own func(*chat.Part) bool) chat.Parts {
	var out, calls chat.Parts
	complete := true
	for i := range parts {
		switch p := &parts[i]; p.Type {
		case chat.PartToolCall, chat.PartToolResult:
			complete = complete && (p.Type == chat.PartToolResult || hasResult(parts, p.CallID) || hasResult(results, p.CallID))
			calls = append(calls, *p)
		case chat.PartReasoning:
			if own == nil || !own(p) {
				continue
			}
		case chat.PartText:
		case chat.PartImage, chat.PartFile:
			continue
		default:
			continue
		}
		out = append(out, parts[i])
	}
	if !complete {
		calls = nil
		out = slices.DeleteFunc(out, func(p chat.Part) bool { return p.Type == chat.PartToolCall || p.Type == chat.PartToolResult })
	}
	if own == nil {
		return append(chat.TextParts(out.Text()), calls...)
	}
	return out
}

// CallName is the name of a call as providers accept it: models invent names with other
// characters than tools can have.
func CallName(name string) string {
	if chat.IsToolName(name) {
		return name
	}
	plain := strings.Map(func(r rune) rune {
		if chat.IsToolName(string(r)) {
			return r
		}
		return '_'
	}, name)
	return plain[:min(len(plain), chat.MaxToolName)]
}

// CallArguments are the arguments of a call. They must be an object: others stand in one.
func CallArguments(arguments string) json.RawMessage {
	var object map[string]json.RawMessage
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}")
	}
	if json.Unmarshal([]byte(arguments), &object) == nil && object != nil {
		return json.RawMessage(arguments)
	}
	raw, err := json.Marshal(map[string]string{"arguments": arguments})
	if err != nil {
		return json.RawMessage("{}") // cannot happen: it is a string
	}
	return raw
}

func hasResult(parts chat.Parts, callID string) bool {
	return slices.ContainsFunc(parts, func(p chat.Part) bool { return p.Type == chat.PartToolResult && p.CallID == callID })
}

// withoutStrays returns a user's message without results of calls that the answer before it
// does not have.
func withoutStrays(parts chat.Parts, before []chat.Message) chat.Parts {
	called := func(p chat.Part) bool {
		n := len(before) - 1
		return n >= 0 && slices.ContainsFunc(before[n].Parts, func(c chat.Part) bool { return c.Type == chat.PartToolCall && c.CallID == p.CallID })
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p chat.Part) bool { return p.Type == chat.PartToolResult && !called(p) })
}

// withoutPictures replaces each picture in parts by a line of text.
func withoutPictures(parts chat.Parts) chat.Parts {
	out := slices.Clone(parts)
	for i := range out {
		if out[i].Type == chat.PartImage {
			out[i] = chat.Part{Type: chat.PartText, Text: "[image " + model.OneLine(out[i].Name, chat.MaxPartName) + " left out: the model did not accept it]"}
		}
	}
	return out
}

// PictureNames are the names of the pictures in a user's message.
func PictureNames(m chat.Message) []string {
	if m.Role != chat.RoleUser {
		return nil
	}
	var names []string
	for _, p := range m.Parts {
		if p.Type == chat.PartImage {
			names = append(names, model.OneLine(p.Name, chat.MaxPartName))
		}
	}
	return names
}

// WasRefused reports whether the provider refused message i of the thread: its answer is
// empty and failed because of the request.
func WasRefused(thread []chat.Message, i int) bool {
	if thread[i].Role != chat.RoleUser || i+1 >= len(thread) {
		return false
	}
	answer := thread[i+1]
	if answer.Role != chat.RoleAssistant || strings.TrimSpace(answer.Content) != "" || answer.Error == nil {
		return false
	}
	switch answer.Error.Code {
	case chat.CodeProviderRefused, chat.CodeProviderContext, chat.CodeProviderFilter:
		return true
	default:
		return false
	}
}
