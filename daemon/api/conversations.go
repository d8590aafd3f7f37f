package api

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"chat"
	"chat/daemon/api/body"
)

// Limits on texts, in bytes.
const (
	maxTitle  = chat.MaxTitle
	maxModel  = chat.MaxModel
	maxSystem = chat.MaxSystem
)

// maxQuery limits a parameter of a query, in bytes.
const maxQuery = 4 << 10

// checkText checks the length and the characters of a text. PostgreSQL cannot store NUL.
func checkText(name, text string, limit int) error {
	if len(text) > limit {
		return chat.Errorf(chat.CodeTooLarge, "%s is longer than %d bytes", name, limit)
	}
	if !utf8.ValidString(text) {
		return chat.Errorf(chat.CodeInvalid, "%s is not in UTF-8", name)
	}
	if strings.Contains(text, "\x00") {
		return chat.Errorf(chat.CodeInvalid, "%s contains the character NUL (U+0000): leave it out", name)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) createConversation(r *http.Request, p principal) (reply, error) {
	var in struct {
		Title      string           `json:"title"`
		Model      string           `json:"model"`
		System     string           `json:"system"`
		Parameters *chat.Parameters `json:"parameters,omitempty"`
	}
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	if err := firstError(checkText("title", in.Title, maxTitle), checkText("model", in.Model, maxModel), checkText("system", in.System, maxSystem), in.Parameters.ValidateLasting()); err != nil {
		return reply{}, err
	}
	opts, err := submitOptions(r, in)
	if err != nil {
		return reply{}, err
	}
	if err := s.checkConversationModel(r, p, in.Model, opts.IdempotencyKey); err != nil {
		return reply{}, err
	}
	c, replayed, err := s.store.CreateConversationOnce(r.Context(), p.owner, chat.Conversation{Title: in.Title, Model: in.Model, System: in.System, Parameters: in.Parameters}, opts)
	header := map[string]string{"Location": "/conversations/" + c.ID}
	if replayed {
		header["Idempotent-Replay"] = "true"
	}
	return reply{status: http.StatusCreated, body: c, header: header}, err
}

// conversationQuery reads ?q=, ?id=, ?cursor= and ?limit=.
func conversationQuery(r *http.Request) (chat.ConversationQuery, error) {
	limit, err := limitParam(r)
	if err != nil {
		return chat.ConversationQuery{}, err
	}
	q := r.URL.Query()
	for _, name := range []string{"q", "id", "cursor"} {
		if err := checkText(name, q.Get(name), maxQuery); err != nil {
			return chat.ConversationQuery{}, err
		}
	}
	return chat.ConversationQuery{Search: q.Get("q"), ID: q.Get("id"), Cursor: q.Get("cursor"), Limit: limit, Temporary: q.Get("temporary") == "true"}, nil
}

// search lists the conversations that have the words, each with a snippet.
func (s *Server) search(r *http.Request, p principal) (reply, error) {
	query, err := conversationQuery(r)
	if err == nil && strings.TrimSpace(query.Search) == "" {
		err = chat.Errorf(chat.CodeInvalid, "q has no words to look for: GET /conversations lists all conversations")
	}
	if err != nil {
		return reply{}, err
	}
	list, next, err := s.store.Search(r.Context(), p.owner, query)
	return reply{body: struct {
		Matches    []chat.Match `json:"matches"`
		NextCursor string       `json:"next_cursor,omitempty"`
	}{orEmpty(list), next}}, err
}

func (s *Server) listConversations(r *http.Request, p principal) (reply, error) {
	query, err := conversationQuery(r)
	if err != nil {
		return reply{}, err
	}
	list, next, err := s.store.Conversations(r.Context(), p.owner, query)
	return reply{body: struct {
		Conversations []chat.Conversation `json:"conversations"`
		NextCursor    string              `json:"next_cursor,omitempty"`
	}{orEmpty(list), next}}, err
}

func (s *Server) getConversation(r *http.Request, p principal) (reply, error) {
	c, err := s.store.Conversation(r.Context(), p.owner, r.PathValue("id"))
	return reply{body: c}, err
}

func (s *Server) updateConversation(r *http.Request, p principal) (reply, error) {
	var patch chat.ConversationPatch
	if err := body.Decode(r, &patch, false); err != nil {
		return reply{}, err
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	if err := firstError(checkText("title", text(patch.Title), maxTitle), checkText("model", text(patch.Model), maxModel), checkText("system", text(patch.System), maxSystem), patch.Parameters.ValidateLasting()); err != nil {
		return reply{}, err
	}
	if err := s.checkConversationModel(r, p, text(patch.Model), ""); err != nil {
		return reply{}, err
	}
	c, err := s.store.UpdateConversation(r.Context(), p.owner, r.PathValue("id"), patch)
	return reply{body: c}, err
}

func (s *Server) deleteConversation(r *http.Request, p principal) (reply, error) {
	return reply{status: http.StatusNoContent}, s.delete(r, p.owner, r.PathValue("id"))
}

// delete deletes a conversation and ends its tasks.
func (s *Server) delete(r *http.Request, owner, id string) error {
	cancelled, err := s.store.DeleteConversation(r.Context(), owner, id)
	if err != nil {
		return err
	}
	for _, id := range cancelled {
		s.provider.ForgetCredentials(id)
		s.publish(r, chat.TaskEvent{Type: chat.EventCancel, TaskID: id})
	}
	return nil
}

func (s *Server) listMessages(r *http.Request, p principal) (reply, error) {
	list, err := s.store.Messages(r.Context(), p.owner, r.PathValue("id"))
	return reply{body: struct {
		Messages []chat.Message `json:"messages"`
	}{orEmpty(list)}}, err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
