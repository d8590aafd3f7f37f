package foreign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/internal/cli/ids"
	"chat/internal/term/charset"
	"chat/internal/transcript"
)

// ConversationError is an error in one conversation; the next one can be read. Unknown is
// true if the format is not known.
type ConversationError struct {
	Why     *chat.Error
	Unknown bool
}

func (b ConversationError) Error() string { return b.Why.Error() }

// Unwrap returns the reason.
func (b ConversationError) Unwrap() error { return b.Why }

// EmptyError is the reason why a conversation has nothing to import.
type EmptyError string

func (e EmptyError) Error() string { return string(e) }

// Read reads a conversation of any known program and returns what it leaves out.
func Read(raw []byte) (transcript.Transcript, LeftOut, error) {
	t := transcript.Transcript{}
	bad := func(unknown bool, format string, args ...any) (transcript.Transcript, LeftOut, error) {
		return t, nil, ConversationError{Why: chat.Errorf(chat.CodeInvalid, format, args...), Unknown: unknown}
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
		return bad(false, "it is not a conversation: %s", jsonProblem(err))
	}
	object, ok := value.(map[string]any)
	if !ok {
		return bad(true, "it is not a conversation but %s", kindOf(value))
	}
	in := fields(object)
	t.ID, t.Title = in.text("id", "uuid", "conversation_id", "conversationId"), in.text("title", "name")
	read := readerOf(in)
	if read == nil {
		if program := unsupportedProgram(in); program != "" {
			return bad(false, "it is from %s, whose exports are not supported", program)
		}
		if in["messages"] == nil {
			return bad(true, "it has neither messages, like chat's own exports, nor a mapping, like ChatGPT's")
		}
		own, err := readOwn(raw)
		if err != nil {
			return bad(false, "%s", jsonProblem(err))
		}
		return own, nil, nil
	}
	f, err := read(raw, in)
	if nothing := EmptyError(""); errors.As(err, &nothing) {
		return t, f.left, err
	}
	if err != nil {
		return bad(false, "%s", jsonProblem(err))
	}
	made := f.transcript()
	if len(made.Messages) == 0 {
		return t, f.left, EmptyError(cmp.Or(strings.TrimSuffix("it has no visible messages: "+f.left.List(), ": "), "it has no messages"))
	}
	return made, f.left, nil
}

// readOwn reads a conversation as chat export writes it.
func readOwn(raw []byte) (transcript.Transcript, error) {
	var own Exported
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // unknown fields would be lost silently
	if err := d.Decode(&own); err != nil {
		return own.Transcript, err
	}
	t := own.Transcript
	for i, e := range own.Attachments {
		a, err := chat.NewAttachment(e.Data)
		if err != nil || a.Digest != e.Digest {
			return t, fmt.Errorf("attachment %d is damaged: its data does not match its digest", i+1)
		}
		t.Attachments = append(t.Attachments, a)
	}
	for i := range t.Messages {
		// Versions without attachments wrote no list of them, and blocks into texts.
		if m := &t.Messages[i]; m.Role == chat.RoleUser && own.Attachments == nil && len(m.Parts.Digests()) == 0 {
			m.Content = m.AllParts().Text()
			moveBlocks(&t, m)
		}
	}
	return t, nil
}

// Exported is a conversation as chat export writes it.
type Exported struct {
	transcript.Transcript
	// Attachments are those of the messages; nil in exports of versions without them.
	Attachments []ExportedAttachment `json:"attachments"`
}

// ExportedAttachment is an attachment with its data, in base64.
type ExportedAttachment struct {
	Digest    string `json:"digest"`
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
}

// readerOf returns the reader for another program's conversation, nil for chat's own.
func readerOf(in fields) func([]byte, fields) (*imported, error) {
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

// isRoleList reports whether the messages are a list of roles and contents, as in
// TypingMind, Chatbox and API requests. Chat's own messages have UUIDs.
func isRoleList(in fields) bool {
	list := in.list("messages")
	if len(list) == 0 {
		return false
	}
	first, _ := list[0].(map[string]any)
	m := fields(first)
	_, named := in["name"]
	_, createdAt := in["created_at"]
	return m.isMessage() && (named || !createdAt && (len(in.text("id")) != ids.FullLength || len(m.text("id")) != ids.FullLength))
}

// isMessage reports whether f is a message with a role and a content, by these names or
// by those of ShareGPT.
func (f fields) isMessage() bool {
	said := f["content"] != nil || f["contentParts"] != nil || f["value"] != nil || f["tool_calls"] != nil
	return f.text("role", "from") != "" && said && f["messages"] == nil
}

// IsMessage reports whether a JSON text is a message outside a conversation.
func IsMessage(raw []byte) bool {
	var f fields
	return json.Unmarshal(raw, &f) == nil && f.isMessage()
}

// readRoles reads a conversation that is a list of roles and contents.
func readRoles(raw []byte, in fields) (*imported, error) {
	about := in
	if conv := in.object("conv"); conv != nil { // llama.cpp's
		about = conv
	}
	f := &imported{
		kind: "messages", id: cmp.Or(about.text("id", "chatID", "uuid"), contentID(raw)), title: about.text("title", "name", "chatTitle"),
		system:  about.text("system", "systemPrompt", "system_prompt"),
		created: about.time("created_at", "createdAt", "timestamp"), updated: about.time("updated_at", "updatedAt", "lastModified"),
		current: about.text("currNode"), left: LeftOut{},
	}
	f.roleList(in.list("messages"), cmp.Or(about.text("model"), about.object("modelInfo").text("id")))
	if len(f.messages) == 0 {
		return f, EmptyError("it has no messages")
	}
	return f, nil
}

// unsupportedProgram returns the program of an export that is recognized but not supported.
func unsupportedProgram(in fields) string {
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

// Containers returns the fields of an export that contain conversations: those of chat,
// TypingMind and Chatbox.
func Containers() []string { return []string{"conversations", "chats", "chat-sessions"} }

// Conversations returns the conversations of a nested export, or nil.
func Conversations(raw []byte) []json.RawMessage {
	found := false
	for _, key := range Containers() {
		found = found || bytes.Contains(raw, fmt.Appendf(nil, "%q", key))
	}
	var object map[string]json.RawMessage
	if !found || json.Unmarshal(raw, &object) != nil {
		return nil
	}
	for _, key := range Containers() {
		var list []json.RawMessage
		switch {
		case json.Unmarshal(object[key], &list) != nil || list == nil:
		case len(list) > 0 && IsMessage(list[0]): // ShareGPT: they are one conversation
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
		return Conversations(data)
	}
	return nil
}
