// Package aisdk serves the HTTP interface that useChat of the AI SDK expects: a request with
// the messages of a chat, answered by a UI message stream, a stream that can be resumed, and
// a call that stops it.
package aisdk

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"chat"
	"chat/daemon/api/body"
	"chat/daemon/api/surface"
	"chat/internal/thread"
)

// maxBody bounds the body of a request in bytes: it has the whole chat, with its files.
const maxBody = 32 << 20

// taskHeader names the task of a request.
const taskHeader = "Chat-Task-Id"

// API serves the calls.
type API struct{ backend surface.Backend }

// New returns the API of a server.
func New(b surface.Backend) *API { return &API{b} }

// Routes adds the calls to mux.
func (a *API) Routes(mux *http.ServeMux) {
	handle := surface.Handler(mux, a.backend)
	handle("POST /api/chat", a.send)
	handle("GET /api/chat/{id}", a.messages)
	handle("GET /api/chat/{id}/stream", a.resume)
	handle("POST /api/chat/{id}/stop", a.stop)
}

// message is a UIMessage.
type message struct {
	ID    string `json:"id"`
	Role  string `json:"role"`
	Parts []part `json:"parts"`
}

// part is a part of a UIMessage: text, reasoning, or a file.
type part struct {
	Type      string `json:"type"`
	Text      string `json:"text,omitempty"`
	State     string `json:"state,omitempty"`
	MediaType string `json:"mediaType,omitempty"`
	Filename  string `json:"filename,omitempty"`
	URL       string `json:"url,omitempty"`
}

// request is the body of POST /api/chat. Model and System can be added with the option body
// of useChat.
type request struct {
	ID        string    `json:"id"`
	Messages  []message `json:"messages"`
	Trigger   string    `json:"trigger"`
	MessageID string    `json:"messageId"`
	Model     string    `json:"model"`
	System    string    `json:"system"`
}

// conversationOf returns the id of the conversation of a chat: the chat's id if it is a
// UUID, otherwise one derived from it.
func conversationOf(owner, chatID string) string {
	if id, err := uuid.Parse(chatID); err == nil {
		return id.String()
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("chat:aisdk:"+owner+":"+chatID)).String()
}

// send serves POST /api/chat.
func (a *API) send(w http.ResponseWriter, r *http.Request) error {
	var in request
	if err := body.Any(http.MaxBytesReader(w, r.Body, maxBody), &in); err != nil {
		return err
	}
	if in.ID == "" || len(in.Messages) == 0 {
		return chat.Errorf(chat.CodeInvalid, "the body must have id and messages, as useChat sends them")
	}
	acc, err := a.submit(r, in)
	if err != nil {
		return err
	}
	return a.stream(w, r, acc.TaskID)
}

// submit stores the last message of a request, or makes an answer again.
func (a *API) submit(r *http.Request, in request) (chat.Accepted, error) {
	id := conversationOf(a.backend.Owner(r), in.ID)
	stored, err := a.stored(r, id)
	if err != nil {
		return chat.Accepted{}, err
	}
	if in.Trigger == "regenerate-message" {
		answer := in.MessageID
		if answer == "" {
			answer = stored.Newest()
		}
		if stored.Has(answer) {
			acc, _, err := a.backend.Regenerate(r, answer, in.Model, in)
			return acc, err
		}
	}
	last := len(in.Messages) - 1
	if in.Messages[last].Role != "user" {
		return chat.Accepted{}, chat.Errorf(chat.CodeInvalid, "the last message must be the user's: there is nothing to answer")
	}
	parts, err := a.read(r, in.Messages[last].Parts)
	if err != nil {
		return chat.Accepted{}, err
	}
	sub := chat.Submission{ConversationID: id, CreateMissing: true, Model: in.Model, System: in.System, Parts: parts}
	if err := a.place(r, &sub, in.Messages[:last], stored); err != nil {
		return chat.Accepted{}, err
	}
	acc, _, err := a.backend.Submit(r, sub, in)
	return acc, err
}

// stored returns the messages of a conversation, none if it does not exist yet.
func (a *API) stored(r *http.Request, id string) (*thread.Tree, error) {
	list, err := a.backend.Store().Messages(r.Context(), a.backend.Owner(r), id)
	if err != nil && !chat.IsCode(err, chat.CodeNotFound) {
		return nil, err
	}
	return thread.New(list), nil
}

// place sets the messages before the last one: the stored answer that the client names, or,
// if the server does not have it, copies of the client's messages.
func (a *API) place(r *http.Request, sub *chat.Submission, before []message, stored *thread.Tree) error {
	if len(before) == 0 {
		sub.ParentID = chat.RootParent
		return nil
	}
	if id := before[len(before)-1].ID; stored.Has(id) {
		sub.ParentID = id
		return nil
	}
	sub.ParentID = chat.RootParent
	for _, m := range before {
		parts, err := a.read(r, m.Parts)
		if err != nil {
			return err
		}
		switch role := chat.Role(m.Role); {
		case m.Role == "system":
			sub.System = strings.TrimSpace(sub.System + "\n\n" + parts.Text())
		case role != chat.RoleUser && role != chat.RoleAssistant:
			return chat.Errorf(chat.CodeInvalid, "unknown role %q: use system, user or assistant", m.Role)
		case len(parts) > 0:
			if err := parts.Validate(role); err != nil {
				return err
			}
			sub.History = append(sub.History, chat.Message{Role: role, Parts: parts})
		}
	}
	return nil
}

// read returns parts of a UIMessage as those of the domain. It skips what only a client
// understands.
func (a *API) read(r *http.Request, list []part) (chat.Parts, error) {
	var out chat.Parts
	for _, p := range list {
		switch p.Type {
		case "text":
			out = append(out, chat.TextParts(p.Text)...)
		case "file":
			head, data, _ := strings.Cut(p.URL, ";base64,")
			raw, err := base64.StdEncoding.DecodeString(data)
			if !strings.HasPrefix(head, "data:") || err != nil || len(raw) == 0 {
				return nil, chat.Errorf(chat.CodeInvalid, "files must be data URLs (data:image/png;base64,…): this server fetches no addresses")
			}
			stored, err := a.backend.Upload(r, raw)
			if err != nil {
				return nil, err
			}
			out = append(out, stored.Part(p.Filename))
		}
	}
	return out, nil
}

// stream writes the whole stream of a task.
func (a *API) stream(w http.ResponseWriter, r *http.Request, taskID string) error {
	s, err := a.backend.Follow(r, taskID, chat.Start())
	if err != nil {
		return err
	}
	w.Header().Set("X-Vercel-Ai-Ui-Message-Stream", "v1")
	w.Header().Set(taskHeader, taskID)
	a.backend.Send(w, r, s, surface.Latest(&encoder{messageID: s.Task().MessageID}, s.Task()))
	return nil
}

// running returns the task of a chat that has not ended, "" if there is none.
func (a *API) running(r *http.Request) (string, error) {
	owner := a.backend.Owner(r)
	list, err := a.backend.Store().Tasks(r.Context(), owner, chat.TaskQuery{
		ConversationID: conversationOf(owner, r.PathValue("id")), States: []chat.TaskState{chat.TaskQueued, chat.TaskRunning}, Answers: true, Limit: 1,
	})
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0].ID, nil
}

// resume serves GET /api/chat/{id}/stream. Without a running answer it is 204.
func (a *API) resume(w http.ResponseWriter, r *http.Request) error {
	id, err := a.running(r)
	if err != nil {
		return err
	}
	if id == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return a.stream(w, r, id)
}

// stop serves POST /api/chat/{id}/stop. useChat's own stop only disconnects.
func (a *API) stop(w http.ResponseWriter, r *http.Request) error {
	id, err := a.running(r)
	if err == nil && id != "" {
		_, _, err = a.backend.Stop(r, id)
	}
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// messages serves GET /api/chat/{id}: the messages with which a client begins. An answer
// that is being made is not among them: the client gets it by resuming the stream.
func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	tree, err := a.stored(r, conversationOf(a.backend.Owner(r), r.PathValue("id")))
	if err != nil {
		return err
	}
	out := []message{}
	for _, m := range tree.Path(nil) {
		if m.Role == chat.RoleAssistant && !m.State.Terminal() {
			continue
		}
		list, err := a.write(r, m.Parts)
		if err != nil {
			return err
		}
		out = append(out, message{ID: m.ID, Role: string(m.Role), Parts: list})
	}
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(data) // the client may be gone
	return nil
}

// write returns parts as those of a UIMessage.
func (a *API) write(r *http.Request, parts chat.Parts) ([]part, error) {
	list := []part{}
	for _, p := range parts {
		switch p.Type {
		case chat.PartText:
			list = append(list, part{Type: "text", Text: p.Text, State: "done"})
		case chat.PartReasoning:
			list = append(list, part{Type: "reasoning", Text: p.Text, State: "done"})
		case chat.PartImage, chat.PartFile:
			found, err := a.backend.Store().Attachment(r.Context(), a.backend.Owner(r), p.Digest)
			if err != nil {
				return nil, err
			}
			url := "data:" + found.MediaType + ";base64," + base64.StdEncoding.EncodeToString(found.Data)
			list = append(list, part{Type: "file", MediaType: found.MediaType, Filename: p.Name, URL: url})
		case chat.PartToolCall, chat.PartToolResult:
		default:
		}
	}
	return list, nil
}
