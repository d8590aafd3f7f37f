package openai

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chat"
	"chat/daemon/api/openai/input"
	"chat/internal/thread"
)

// compactRequest is the body of POST /v1/responses/compact. Fields that are not listed have
// no effect.
type compactRequest struct {
	Model              string          `json:"model"`
	Input              json.RawMessage `json:"input"`
	PreviousResponseID string          `json:"previous_response_id"`
	Instructions       *string         `json:"instructions"`
	PromptCacheKey     string          `json:"prompt_cache_key"`

	system []string // texts of the roles system and developer
}

// A compaction is a task: the model writes a summary of everything but the user's messages,
// which are kept as they are. The content of its item names the task, so that every instance
// finds the summary in SQL, and only for its owner.
const (
	compactionItem    = "cmp_"
	compactionContent = "chatd_compaction_"

	compactPrompt = "Summarize this conversation for a model that continues it. That model gets the user's messages word by word, and your " +
		"summary in place of all other messages. Write what was answered, decided and found out, with all names, numbers, paths and results of tools " +
		"that may still matter, and what is not done yet. Write the summary only, in the language of the conversation."
	summaryHead = "Summary of my answers and of the results of tools so far:\n\n"
)

// submission returns the request as a submission in a conversation of its own.
func (q *compactRequest) submission(d *reader) (chat.Submission, error) {
	if q.Model == "" {
		return chat.Submission{}, invalid("model is missing: name the model that writes the summary")
	}
	if len(q.Input) > 0 && string(q.Input) != "null" {
		if err := d.addInput(q.Input); err != nil {
			return chat.Submission{}, err
		}
	}
	if len(d.History) == 0 && q.PreviousResponseID == "" {
		return chat.Submission{}, invalid("there is nothing to compact: send input, or previous_response_id")
	}
	d.History = append(d.History, chat.Message{Role: chat.RoleUser, Parts: chat.TextParts(compactPrompt)})
	q.system = d.System
	full := responseRequest{Model: q.Model, PreviousResponseID: q.PreviousResponseID, PromptCacheKey: q.PromptCacheKey}
	o := full.origin()
	o.Compaction = true
	sub, err := full.assemble(d, &chat.Parameters{Instructions: q.Instructions}, o)
	if err != nil {
		return sub, err
	}
	sub.Title = "Compaction: " + sub.History[0].Parts.Title()
	return sub, nil
}

// compaction is the resource.
type compaction struct {
	ID        string         `json:"id"`
	Object    string         `json:"object"`
	CreatedAt int64          `json:"created_at"`
	Output    []inputItem    `json:"output"`
	Usage     *responseUsage `json:"usage"`
}

// compact serves POST /v1/responses/compact.
func (a *API) compact(w http.ResponseWriter, r *http.Request) error {
	var in compactRequest
	s, err := a.ask(w, r, &in)
	if err != nil {
		return err
	}
	task, answer, err := a.await(r, s)
	if err != nil {
		return err
	}
	if e := failureOf(task); e != nil {
		return e
	}
	if why := chat.Shortfall(task.FinishReason, answer); why != "" {
		return chat.Errorf(chat.CodeProviderEmpty, "there is no complete summary, because %s: try again, or with another model", why)
	}
	output, err := a.compacted(r, in.system, task)
	if err != nil {
		return err
	}
	at := task.CreatedAt
	if task.FinishedAt != nil {
		at = *task.FinishedAt
	}
	writeJSON(w, http.StatusOK, compaction{
		ID: responseID(task.ID), Object: "response.compaction", CreatedAt: at.Truncate(time.Second).Unix(), Output: output, Usage: newUsage(task.Usage),
	})
	return nil
}

// compacted returns the items that stand for the conversation of a compaction: the texts of
// the system and the user's messages as they were, and the summary of the rest.
func (a *API) compacted(r *http.Request, system []string, task chat.Task) ([]inputItem, error) {
	all, err := a.backend.Store().Messages(r.Context(), a.backend.Owner(r), task.ConversationID)
	if err != nil {
		return nil, err
	}
	var users []chat.Message
	for _, m := range thread.New(all).To(task.UserMessageID) {
		if m.Role == chat.RoleUser && !input.IsResult(m.Parts) && m.ID != task.UserMessageID { // the last one asks for the summary
			users = append(users, m)
		}
	}
	kept := inputItems(users)
	if err := a.addContent(r, kept); err != nil {
		return nil, err
	}
	var out []inputItem
	for i, text := range system {
		out = append(out, inputItem{
			ID: idPrefix(kindMessage) + digits(task.ID) + "_" + strconv.Itoa(i), Type: kindMessage, Status: statusCompleted,
			Role: "system", Content: []map[string]any{{"type": "input_text", "text": text}},
		})
	}
	out = append(out, kept...)
	return append(out, inputItem{ID: compactionItem + digits(task.ID), Type: kindCompaction, Encrypted: compactionContent + digits(task.ID)}), nil
}

// summary returns what an item of a compaction means to a model. at names it in errors.
func (d *reader) summary(content, at string) (string, error) {
	unknown := invalid("%s: encrypted_content is not that of a compaction of this server, or the compaction was deleted: send what it stands for", at)
	hex, ours := strings.CutPrefix(content, compactionContent)
	id, err := taskOf(hex)
	if !ours || err != nil {
		return "", unknown
	}
	owner, store := d.Backend.Owner(d.Request), d.Backend.Store()
	task, err := store.Task(d.Request.Context(), owner, id)
	if err != nil && !chat.IsCode(err, chat.CodeNotFound) {
		return "", err
	}
	if o := originOf(task); err != nil || !o.Compaction || o.Deleted || task.State != chat.TaskDone {
		return "", unknown
	}
	answer, err := store.Answer(d.Request.Context(), owner, id)
	return summaryHead + answer.Parts.Text(), err
}
