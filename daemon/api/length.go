package api

import (
	"context"
	"net/http"

	"chat"
	"chat/daemon/api/body"
	"chat/internal/report"
)

// Lengths answers questions about the length of conversations; compaction.Service satisfies it.
type Lengths interface {
	Use(ctx context.Context, owner, conversationID, messageID string) (report.ContextUse, error)
	Compact(ctx context.Context, owner, conversationID string, k chat.KindTask) (taskID string, made bool, err error)
	Undo(ctx context.Context, owner, conversationID string) (chat.Summary, error)
	Sent(ctx context.Context, owner, taskID string) (report.SentRequest, error)
}

func (s *Server) contextUse(r *http.Request, p principal) (reply, error) {
	use, err := s.opts.Lengths.Use(r.Context(), p.owner, r.PathValue("id"), r.URL.Query().Get("message"))
	return reply{body: use}, err
}

func (s *Server) sent(r *http.Request, p principal) (reply, error) {
	sent, err := s.opts.Lengths.Sent(r.Context(), p.owner, r.PathValue("id"))
	return reply{body: sent}, err
}

// compact starts a summary, or names the one that is being written.
func (s *Server) compact(r *http.Request, p principal) (reply, error) {
	var in struct {
		Model    string        `json:"model"`
		Priority chat.Priority `json:"priority"`
	}
	if err := body.Decode(r, &in, true); err != nil {
		return reply{}, err
	}
	priority, err := chat.ParsePriority(string(in.Priority))
	if err != nil {
		return reply{}, err
	}
	opts, err := submitOptions(r, in)
	if err != nil {
		return reply{}, err
	}
	return s.accept(r, p, opts, priority, func(ctx context.Context, c Credentials, opts chat.SubmitOptions) (chat.Accepted, bool, error) {
		if err := s.checkModel(ctx, p.owner, in.Model, "", c); err != nil {
			return chat.Accepted{}, false, err
		}
		id, made, err := s.opts.Lengths.Compact(ctx, p.owner, r.PathValue("id"), chat.KindTask{
			TaskID: opts.TaskID, Model: in.Model, Priority: priority, CredentialsHost: opts.CredentialsHost,
		})
		return chat.Accepted{TaskID: id, ConversationID: r.PathValue("id"), Status: chat.StatusProcessing}, !made, err
	})
}

func (s *Server) undoCompact(r *http.Request, p principal) (reply, error) {
	removed, err := s.opts.Lengths.Undo(r.Context(), p.owner, r.PathValue("id"))
	return reply{body: removed}, err
}
