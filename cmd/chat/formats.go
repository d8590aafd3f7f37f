package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/internal/term/charset"
)

// conversationError is what is wrong with one conversation; the next one can be
// read. unknown says that it is none of any program that is known.
type conversationError struct {
	why     *chat.Error
	unknown bool
}

func (b conversationError) Error() string { return b.why.Error() }

// Unwrap lets it count as the error that it is.
func (b conversationError) Unwrap() error { return b.why }

// nothingError is why there is nothing to import of a conversation, which is no
// mistake of anybody.
type nothingError string

func (e nothingError) Error() string { return string(e) }

// readConversation reads a conversation of any program that is known, and says what
// of it is left out.
func readConversation(raw []byte) (chat.Transcript, leftOut, error) {
	t := chat.Transcript{}
	bad := func(unknown bool, format string, args ...any) (chat.Transcript, leftOut, error) {
		return t, nil, conversationError{chat.Errorf(chat.CodeInvalid, format, args...), unknown}
	}
	if !utf8.Valid(raw) {
		_, err := charset.Decode(raw)
		if p := (*charset.DecodeError)(nil); errors.As(err, &p) {
			return bad(false, "%s", p.Sentence("its text", ""))
		}
		return bad(false, "its text is not in UTF-8")
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return bad(false, "it is no conversation: %s", jsonProblem(err))
	}
	object, ok := value.(map[string]any)
	if !ok {
		return bad(true, "it is no conversation, but %s", kindOf(value))
	}
	in := fields(object)
	t.ID, t.Title = in.text("id", "uuid", "conversation_id", "conversationId"), in.text("title", "name")
	read := formatOf(in)
	if read == nil {
		if program := unreadProgram(in); program != "" {
			return bad(false, "it is of %s, whose exports are not read here", program)
		}
		if in["messages"] == nil {
			return bad(true, "it has neither messages, as those of chat export have, nor a mapping, as those of ChatGPT have")
		}
		own, err := readOwn(raw)
		if err != nil {
			return bad(false, "%s", jsonProblem(err))
		}
		return own, nil, nil
	}
	f, err := read(raw, in)
	if nothing := nothingError(""); errors.As(err, &nothing) {
		return t, f.left, err
	}
	if err != nil {
		return bad(false, "%s", jsonProblem(err))
	}
	made := f.transcript()
	if len(made.Messages) == 0 {
		return t, f.left, nothingError(cmp.Or(strings.TrimSuffix("it has nothing to show: "+f.left.list(), ": "), "it has no messages"))
	}
	return made, f.left, nil
}

// readOwn reads a conversation as chat export writes it.
func readOwn(raw []byte) (t chat.Transcript, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // what is not known would be lost without a word
	err = d.Decode(&t)
	return t, err
}

// formatOf is the reader of another program's conversations, nil for our own.
func formatOf(in fields) func([]byte, fields) (*foreign, error) {
	_, mapped := in["mapping"]
	_, claude := in["chat_messages"]
	inner := in.object("chat")
	switch {
	case mapped:
		return readMapping
	case claude:
		return readClaude
	case inner != nil && (inner["history"] != nil || inner["messages"] != nil):
		return readOpenWebUI
	case in.text("conversationId") != "" && (in["messages"] != nil || in["messagesTree"] != nil):
		return readLibreChat
	case in.object("conv") != nil && in["messages"] != nil, isRoleList(in):
		return readRoles
	}
	return nil
}

// isRoleList reports whether messages are a list of roles and contents, as TypingMind,
// Chatbox and requests to an API have them. Ours have ids that are UUIDs.
func isRoleList(in fields) bool {
	list := in.list("messages")
	if len(list) == 0 {
		return false
	}
	first, _ := list[0].(map[string]any)
	m := fields(first)
	_, named := in["name"]
	_, createdAt := in["created_at"]
	return m.isMessage() && (named || !createdAt && (len(in.text("id")) != fullID || len(m.text("id")) != fullID))
}

// isMessage reports whether f is a message with its role and its content, by these
// names or by ShareGPT's.
func (f fields) isMessage() bool {
	said := f["content"] != nil || f["contentParts"] != nil || f["value"] != nil || f["tool_calls"] != nil
	return f.text("role", "from") != "" && said && f["messages"] == nil
}

// isMessage reports whether a JSON text is a message without its conversation.
func isMessage(raw []byte) bool {
	var f fields
	return json.Unmarshal(raw, &f) == nil && f.isMessage()
}

// readRoles reads a conversation that is a list of roles and contents.
func readRoles(raw []byte, in fields) (*foreign, error) {
	about := in
	if conv := in.object("conv"); conv != nil { // llama.cpp's
		about = conv
	}
	f := &foreign{
		kind: "messages", id: cmp.Or(about.text("id", "chatID", "uuid"), hashOf(raw)), title: about.text("title", "name", "chatTitle"),
		system:  about.text("system", "systemPrompt", "system_prompt"),
		created: about.time("created_at", "createdAt", "timestamp"), updated: about.time("updated_at", "updatedAt", "lastModified"),
		current: about.text("currNode"), left: leftOut{},
	}
	f.roleList(in.list("messages"), cmp.Or(about.text("model"), about.object("modelInfo").text("id")))
	if len(f.messages) == 0 {
		return f, nothingError("it has no messages")
	}
	return f, nil
}

// unreadProgram is the program whose export this is, if it is one that is known by
// its looks alone.
func unreadProgram(in fields) string {
	list := in.list("messages")
	var first fields
	if len(list) > 0 {
		first, _ = list[0].(map[string]any)
	}
	switch {
	case first["versions"] != nil:
		return "LM Studio"
	case in.list("responses") != nil && in.object("conversation") != nil:
		return "Grok"
	case in["header"] != nil && in["products"] != nil:
		return "Google Takeout"
	case in.list("chunks") != nil, in.object("chunkedPrompt") != nil:
		return "Google AI Studio"
	}
	return ""
}

// containers are the fields of an export that hold its conversations: ours,
// TypingMind's, Chatbox's.
func containers() []string { return []string{"conversations", "chats", "chat-sessions"} }

// conversationsIn are the conversations of an export inside another one, nil if it
// is none.
func conversationsIn(raw []byte) []json.RawMessage {
	found := false
	for _, key := range containers() {
		found = found || bytes.Contains(raw, fmt.Appendf(nil, "%q", key))
	}
	var object map[string]json.RawMessage
	if !found || json.Unmarshal(raw, &object) != nil {
		return nil
	}
	for _, key := range containers() {
		var list []json.RawMessage
		switch {
		case json.Unmarshal(object[key], &list) != nil || list == nil:
		case len(list) > 0 && isMessage(list[0]): // ShareGPT's: they are of one conversation
			one, err := json.Marshal(map[string]json.RawMessage{"id": object["id"], "title": object["title"], "messages": object[key]})
			if err != nil {
				return nil
			}
			return []json.RawMessage{one}
		default:
			return list
		}
	}
	if data := object["data"]; data != nil {
		return conversationsIn(data)
	}
	return nil
}
