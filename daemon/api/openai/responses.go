package openai

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"chat"
	"chat/daemon/api/surface"
	"chat/daemon/follow"
	"chat/internal/thread"
)

// createResponse serves POST /v1/responses.
func (a *API) createResponse(w http.ResponseWriter, r *http.Request) error {
	var in responseRequest
	s, err := a.ask(w, r, &in)
	if err != nil {
		return err
	}
	switch {
	case in.Stream:
		a.backend.Send(w, r, s, newEvents(s.Task(), -1))
		return nil
	case in.Background:
		return a.write(w, r, s)
	}
	return a.awaitResponse(w, r, s)
}

// awaitResponse writes a response when it has ended.
func (a *API) awaitResponse(w http.ResponseWriter, r *http.Request, s *follow.Stream) error {
	out, err := a.whole(r, s)
	if err == nil {
		writeJSON(w, http.StatusOK, out)
	}
	return err
}

// whole returns a response when it has ended.
func (a *API) whole(r *http.Request, s *follow.Stream) (response, error) {
	e := newEvents(s.Task(), everything)
	err := a.wait(r, s, func(ctx context.Context) error { //nolint:contextcheck // wait makes it of that of r
		return surface.Encode(ctx, s, e, func([]byte) error { return nil })
	})
	if err != nil {
		return response{}, err
	}
	task, err := a.backend.Store().Task(r.Context(), a.backend.Owner(r), s.TaskID())
	if err != nil {
		return response{}, err
	}
	return e.complete(task), nil
}

// complete returns the response after its last event, with what only the task has.
func (e *eventEncoder) complete(t chat.Task) response {
	out := e.base
	if t.Model != "" {
		out.Model = t.Model
	}
	if t.FinishedAt != nil && out.Status == statusCompleted {
		at := t.FinishedAt.Unix()
		out.CompletedAt = &at
	}
	return out
}

// write writes a response as it is now.
func (a *API) write(w http.ResponseWriter, r *http.Request, s *follow.Stream) error {
	if s.Ended() {
		return a.awaitResponse(w, r, s)
	}
	t := s.Task()
	out := newResponse(t)
	switch {
	case t.CancelRequested:
		out.Status = statusCancelled
	case t.State == chat.TaskQueued:
		out.Status = statusQueued
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// find opens the stream of the response that a request names.
func (a *API) find(r *http.Request) (*follow.Stream, error) {
	id, err := taskOf(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	s, err := a.backend.Follow(r, id, chat.Start())
	if chat.IsCode(err, chat.CodeNotFound) || err == nil && originOf(s.Task()).Deleted {
		return nil, chat.Errorf(chat.CodeNotFound, "no response has the id %q", r.PathValue("id"))
	}
	return s, err
}

// getResponse serves GET /v1/responses/{id}, with ?stream=true as events.
func (a *API) getResponse(w http.ResponseWriter, r *http.Request) error {
	s, err := a.find(r)
	if err != nil {
		return err
	}
	w.Header().Set(taskHeader, s.TaskID())
	if !wantsEvents(r) {
		return a.write(w, r, s)
	}
	after := -1
	if v := r.URL.Query().Get("starting_after"); v != "" {
		if after, err = strconv.Atoi(v); err != nil || after < 0 {
			return invalid("starting_after must be the sequence_number of an event")
		}
	}
	a.backend.Send(w, r, s, newEvents(s.Task(), after))
	return nil
}

// wantsEvents reports whether a GET asks for a stream: with ?stream=true, or with a body, as
// the official client for Go does.
func wantsEvents(r *http.Request) bool {
	if q := r.URL.Query(); q.Has("stream") || r.ContentLength <= 0 {
		return q.Get("stream") == "true"
	}
	var body struct {
		Stream bool `json:"stream"`
	}
	const most = 1 << 10
	err := json.NewDecoder(io.LimitReader(r.Body, most)).Decode(&body)
	return err == nil && body.Stream
}

// cancelResponse serves POST /v1/responses/{id}/cancel. A response that has ended stays as
// it is.
func (a *API) cancelResponse(w http.ResponseWriter, r *http.Request) error {
	s, err := a.find(r)
	if err != nil {
		return err
	}
	w.Header().Set(taskHeader, s.TaskID())
	if _, _, err := a.backend.Stop(r, s.TaskID()); err != nil {
		return err
	}
	if s, err = a.find(r); err != nil {
		return err
	}
	return a.write(w, r, s)
}

// deleteResponse serves DELETE /v1/responses/{id}. The response cannot be found any more.
// Its messages go when the conversation has no other response.
func (a *API) deleteResponse(w http.ResponseWriter, r *http.Request) error {
	s, err := a.find(r)
	if err != nil {
		return err
	}
	t := s.Task()
	if !t.State.Terminal() {
		if _, _, err := a.backend.Stop(r, t.ID); err != nil {
			return err
		}
	}
	o := originOf(t)
	o.Deleted = true
	encoded, err := json.Marshal(o)
	if err == nil {
		err = a.backend.Store().SetOrigin(r.Context(), a.backend.Owner(r), t.ID, string(encoded))
	}
	if err == nil {
		err = a.deleteConversation(r, t)
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{responseID(t.ID), "response", true})
	return nil
}

// deleteConversation deletes the conversation of a deleted response, unless it has another
// answer.
func (a *API) deleteConversation(r *http.Request, t chat.Task) error {
	const most = 200
	list, err := a.backend.Store().Tasks(r.Context(), a.backend.Owner(r), chat.TaskQuery{ConversationID: t.ConversationID, Answers: true, Limit: most})
	if err != nil || len(list) == most {
		return err
	}
	for _, other := range list {
		if other.ID == t.ID {
			continue
		}
		full, err := a.backend.Store().Task(r.Context(), a.backend.Owner(r), other.ID)
		if err != nil || !originOf(full).Deleted {
			return err
		}
	}
	return a.backend.Delete(r, t.ConversationID)
}

// listInput serves GET /v1/responses/{id}/input_items: the messages that the model received.
func (a *API) listInput(w http.ResponseWriter, r *http.Request) error {
	s, err := a.find(r)
	if err != nil {
		return err
	}
	t := s.Task()
	all, err := a.backend.Store().Messages(r.Context(), a.backend.Owner(r), t.ConversationID)
	if err != nil {
		return err
	}
	page, more, err := pageOf(inputItems(thread.New(all).To(t.UserMessageID)), r)
	if err == nil {
		err = a.addContent(r, page)
	}
	if err != nil {
		return err
	}
	out := struct {
		Object  string      `json:"object"`
		Data    []inputItem `json:"data"`
		FirstID *string     `json:"first_id"`
		LastID  *string     `json:"last_id"`
		HasMore bool        `json:"has_more"`
	}{Object: "list", Data: page, HasMore: more}
	if n := len(page); n > 0 {
		out.FirstID, out.LastID = &page[0].ID, &page[n-1].ID
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// pageOf returns the items that ?order=, ?after= and ?limit= select.
func pageOf(items []inputItem, r *http.Request) (page []inputItem, more bool, err error) {
	q := r.URL.Query()
	limit := 20
	if v := q.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > 100 {
			return nil, false, invalid("limit must be a number from 1 to 100")
		}
	}
	page = []inputItem{}
	if q.Get("order") != "asc" {
		reversed := make([]inputItem, 0, len(items))
		for i := len(items) - 1; i >= 0; i-- {
			reversed = append(reversed, items[i])
		}
		items = reversed
	}
	if after := q.Get("after"); after != "" {
		i := 0
		for i < len(items) && items[i].ID != after {
			i++
		}
		items = items[min(i+1, len(items)):]
	}
	page = append(page, items[:min(limit, len(items))]...)
	return page, len(items) > len(page), nil
}
