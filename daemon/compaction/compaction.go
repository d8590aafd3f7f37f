// Package compaction answers what users ask about the length of a conversation: how full the
// context of its model is, for a summary of its beginning or for its removal, and what a model
// received.
package compaction

import (
	"cmp"
	"context"

	"chat"
	"chat/daemon/length"
	"chat/daemon/model/thread"
	"chat/internal/report"
)

// Store is what the package needs of SQL; *sql.Store satisfies it.
type Store interface {
	Conversation(ctx context.Context, owner, id string) (chat.Conversation, error)
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	ThreadTo(ctx context.Context, owner, conversationID, messageID string) (chat.Thread, error)
	SentThread(ctx context.Context, taskID string, sent chat.Sent) (chat.Thread, error)
	Sent(ctx context.Context, id string) (chat.Sent, error)
	Enqueue(ctx context.Context, owner string, k chat.KindTask) (taskID string, made bool, err error)
	RemoveSummary(ctx context.Context, owner, conversationID string) (chat.Summary, error)
}

// Models knows how many tokens models accept.
type Models interface {
	// Window is that of a model, which need not be named; 0 if it is not known.
	WindowOf(ctx context.Context, model string) int
}

// Service answers. Objects of other owners do not exist.
type Service struct {
	Store  Store
	Models Models
}

// Use returns how full the context is after a message, "" for the newest one.
func (s Service) Use(ctx context.Context, owner, conversationID, messageID string) (report.ContextUse, error) {
	c, err := s.Store.Conversation(ctx, owner, conversationID)
	if err != nil {
		return report.ContextUse{}, err
	}
	use := report.ContextUse{ConversationID: c.ID, Model: c.Model}
	t, err := s.Store.ThreadTo(ctx, owner, conversationID, messageID)
	if chat.IsCode(err, chat.CodeNotFound) && messageID == "" {
		err = nil // no message yet
	}
	if err != nil {
		return report.ContextUse{}, err
	}
	last, sent, err := s.counted(ctx, t)
	if err != nil {
		return report.ContextUse{}, err
	}
	use.Model = cmp.Or(c.Model, sent.Model)
	use.Tokens, use.Summary = length.Count(t, last, 1), t.Summary
	use.Context = s.Models.WindowOf(ctx, use.Model)
	return use, nil
}

// counted returns what a model counted for the last answer of a thread, nil if it did not, and
// what is recorded about that answer.
func (s Service) counted(ctx context.Context, t chat.Thread) (*length.Counted, chat.Sent, error) {
	id := length.LastAnswer(t)
	if id == "" {
		return nil, chat.Sent{}, nil
	}
	sent, err := s.Store.Sent(ctx, id)
	if chat.IsCode(err, chat.CodeNotFound) { // an import may have no task
		return nil, sent, nil
	}
	if err != nil || sent.PromptTokens == 0 {
		return nil, sent, err
	}
	return &length.Counted{MessageID: id, SummaryID: sent.SummaryID, PromptTokens: sent.PromptTokens}, sent, nil
}

// Compact asks for a summary of everything before the last message of the user, by the model of
// the conversation or another one, and returns the task that writes it. k has what else the task
// needs.
func (s Service) Compact(ctx context.Context, owner, conversationID string, k chat.KindTask) (taskID string, made bool, err error) {
	c, err := s.Store.Conversation(ctx, owner, conversationID)
	if err != nil {
		return "", false, err
	}
	t, err := s.Store.ThreadTo(ctx, owner, conversationID, "")
	if err != nil && !chat.IsCode(err, chat.CodeNotFound) {
		return "", false, err
	}
	n := length.CutAll(t)
	if n == 0 {
		return "", false, chat.Errorf(chat.CodeConflict, "there is nothing to summarize: a summary stands for what is before the last question, and begins after the last summary")
	}
	k.Kind, k.ConversationID, k.LastMessageID, k.Model = chat.KindSummary, conversationID, t.Messages[n-1].ID, cmp.Or(k.Model, c.Model)
	return s.Store.Enqueue(ctx, owner, k)
}

// Undo stops the use of the newest summary of a conversation, and returns it.
func (s Service) Undo(ctx context.Context, owner, conversationID string) (chat.Summary, error) {
	if _, err := s.Store.Conversation(ctx, owner, conversationID); err != nil {
		return chat.Summary{}, err
	}
	return s.Store.RemoveSummary(ctx, owner, conversationID)
}

// Sent returns what the model received for an answer.
func (s Service) Sent(ctx context.Context, owner, taskID string) (report.SentRequest, error) {
	task, err := s.Store.Task(ctx, owner, taskID)
	if err != nil {
		return report.SentRequest{}, err
	}
	if task.Kind != chat.KindAnswer {
		return report.SentRequest{}, chat.Errorf(chat.CodeInvalid, "the task writes the %s of a conversation: only what was sent for an answer can be shown", task.Kind)
	}
	recorded, err := s.Store.Sent(ctx, taskID)
	if err != nil {
		return report.SentRequest{}, err
	}
	t, err := s.Store.SentThread(ctx, taskID, recorded)
	if err != nil {
		return report.SentRequest{}, err
	}
	out := report.SentRequest{TaskID: task.ID, Model: task.Model, Recorded: recorded.Recorded, System: t.System, Parameters: task.Parameters, Notices: task.Notices}
	if t.Summary != nil {
		out.SummaryID = t.Summary.ID
	}
	if p := out.Parameters; p != nil && p.Instructions != nil {
		others := *p
		out.System, others.Instructions = *p.Instructions, nil
		out.Parameters = &others
	}
	view := length.View(t)
	out.Messages = thread.Conversation(view, make([]thread.Omission, len(view)), nil)
	for i := range out.Messages {
		out.Messages[i].SetParts(out.Messages[i].Parts)
	}
	return out, nil
}
