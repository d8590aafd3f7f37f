package api

import (
	"net/http"
	"strconv"
	"time"

	"chat"
	"chat/daemon/api/body"
	"chat/internal/transcript"
)

const (
	// maxImports is how many transcripts are read at the same time. Each may take some
	// hundred MiB of memory.
	maxImports = 2
	// importTimeout limits an import. It is stored in pieces, so that other writers wait
	// for at most one of them.
	importTimeout = time.Minute
)

// importConversation stores an exported conversation.
func (s *Server) importConversation(r *http.Request, p principal) (reply, error) {
	dry, err := switchParam(r, "dry_run")
	if err != nil {
		return reply{}, err
	}
	select {
	case s.importing <- struct{}{}:
		defer func() { <-s.importing }()
	default:
		return reply{}, chat.Retryable(chat.Errorf(chat.CodeUnavailable, "the server is busy with other imports: try again"))
	}
	var t transcript.Transcript
	if err := body.Decode(r, &t, false); err != nil {
		return reply{}, err
	}
	if err := t.Check(); err != nil {
		return reply{}, err
	}
	done, err := s.store.Import(r.Context(), p.owner, t, dry)
	rep := reply{body: done, header: map[string]string{"Location": "/conversations/" + done.ConversationID}}
	if done.Status == transcript.ImportCreated && !dry {
		rep.status = http.StatusCreated
	}
	return rep, err
}

// switchParam reads a boolean query parameter; false if it is missing.
func switchParam(r *http.Request, name string) (bool, error) {
	v := r.URL.Query().Get(name)
	if v == "" {
		return false, nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, chat.Errorf(chat.CodeInvalid, "%s must be true or false", name)
	}
	return on, nil
}

// forkConversation copies the path from the root to a message into a new conversation.
func (s *Server) forkConversation(r *http.Request, p principal) (reply, error) {
	var in struct {
		MessageID string `json:"message_id"`
		Title     string `json:"title"`
	}
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	if err := checkText("title", in.Title, maxTitle); err != nil {
		return reply{}, err
	}
	opts, err := submitOptions(r, in)
	if err != nil {
		return reply{}, err
	}
	c, replayed, err := s.store.Fork(r.Context(), p.owner, r.PathValue("id"), in.MessageID, in.Title, opts)
	header := map[string]string{"Location": "/conversations/" + c.ID}
	if replayed {
		header["Idempotent-Replay"] = "true"
	}
	return reply{status: http.StatusCreated, body: c, header: header}, err
}
