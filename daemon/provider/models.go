package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"chat"
)

const (
	maxModels    = 2000
	maxModelList = 8 << 20 // bytes
	// listTimeout bounds one request for a list of models.
	listTimeout = 15 * time.Second
	// listFor is how long the configured provider's list is believed.
	listFor = time.Minute
)

// Models lists the models that a Request can name, exactly one of them with
// Default set: the configured provider's (or those of own, if not nil), or the
// local servers', and the demo. If the provider does not answer, the error says
// why and the list has the rest.
func (r *Registry) Models(ctx context.Context, own *Credentials) ([]chat.Model, error) {
	var list []chat.Model
	to, err := r.remote(own)
	switch {
	case to != nil:
		var listed listing
		listed, err = r.listing(ctx, to)
		list = appendModels(list, to, listed.usable, listed.facts)
	case err == nil && r.locals != nil:
		var found []local
		found, err = r.locals.find(ctx, false)
		for _, l := range found {
			list = appendModels(list, l.to, l.ids, l.facts)
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	list = append(list, chat.Model{ID: DemoModel, Provider: DemoModel})
	return r.markDefault(list, to), err
}

// markDefault marks what resolve would choose for no name.
func (r *Registry) markDefault(list []chat.Model, to *endpoint) []chat.Model {
	want := r.cfg.DefaultModel
	if want == "" && to != nil && to.isOpenAI() {
		want = DefaultOpenAIModel
	}
	if want == "" {
		list[0].Default = true
		return list
	}
	for i := range list {
		if list[i].ID == want || list[i].Provider+"/"+list[i].ID == want || list[i].ID == want+":latest" {
			list[i].Default = true
			return list
		}
	}
	provider := ""
	if to != nil {
		provider = to.name
	}
	return slices.Insert(list, 0, chat.Model{ID: want, Provider: provider, Default: true})
}

// appendModels appends the models of e; an id that is taken gets e's name in front.
func appendModels(list []chat.Model, e *endpoint, ids []string, facts map[string]chat.ModelFacts) []chat.Model {
	taken := map[string]bool{DemoModel: true}
	for _, m := range list {
		taken[m.ID] = true
	}
	for _, id := range ids {
		name := id
		if taken[name] {
			name = e.name + "/" + id
		}
		if !taken[name] {
			taken[name] = true
			list = append(list, chat.Model{ID: name, Provider: e.name, ModelFacts: facts[id]})
		}
	}
	return list
}

// listing is what a server lists.
type listing struct {
	all    []string
	usable []string // those that can be shown and can chat
	facts  map[string]chat.ModelFacts
}

// listOf is the ids of e's models that can chat.
func (r *Registry) listOf(ctx context.Context, e *endpoint) ([]string, error) {
	list, err := r.listing(ctx, e)
	return list.usable, err
}

// listing is what e lists. The configured provider's list is kept for a while; a
// server that has no such list has an empty one.
func (r *Registry) listing(ctx context.Context, e *endpoint) (listing, error) {
	if e == r.configured {
		r.listMu.Lock()
		list, fresh := r.listed, !r.listAt.IsZero() && time.Since(r.listAt) < listFor
		r.listMu.Unlock()
		if fresh {
			return list, nil
		}
	}
	over := chat.Retryable(chat.Errorf(chat.CodeProviderHeaders,
		"%s did not list its models within %s: try again", e.host, listTimeout))
	limited, cancel := context.WithTimeoutCause(ctx, listTimeout, over)
	defer cancel()
	entries, err := e.models(limited)
	if err != nil && !errors.Is(err, errNoList) {
		return listing{}, err
	}
	list := listing{usable: usable(entries), facts: factsOf(entries)}
	for _, m := range entries {
		list.all = append(list.all, m.ID)
	}
	if e == r.configured {
		r.listMu.Lock()
		defer r.listMu.Unlock()
		r.listed, r.listAt, r.muteAt = list, time.Now(), time.Time{}
	}
	return list, nil
}

// modelEntry is one entry of GET /models.
type modelEntry struct {
	ID     string `json:"id"`
	Object string `json:"object"`
	entryFacts
}

// errNoList says that the server has no list of models.
var errNoList = errors.New("the server does not list its models")

// models asks for the list of models.
func (e *endpoint) models(ctx context.Context) ([]modelEntry, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+"/models", nil)
	if err != nil {
		return nil, e.connectError(err)
	}
	req.Header.Set("Accept", "application/json")
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
	resp, err := e.roundTrip(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or not wanted
	if resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed {
		return nil, errNoList
	}
	if err := e.check(resp, ""); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxModelList+1))
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, e.cutError(err)
	case len(body) > maxModelList:
		return nil, e.protocolError("sent a list of models without end", nil)
	}
	return e.decodeModels(body)
}

// decodeModels reads {"data":[…]}, or the bare array that some servers send.
func (e *endpoint) decodeModels(body []byte) ([]modelEntry, error) {
	body = bytes.TrimSpace(body)
	var list struct {
		Data *[]modelEntry `json:"data"`
	}
	var err error
	if bytes.HasPrefix(body, []byte("[")) {
		err = json.Unmarshal(body, &list.Data)
	} else {
		err = json.Unmarshal(body, &list)
	}
	if err != nil || list.Data == nil {
		return nil, e.protocolError("sent a list of models that is not one", err)
	}
	return *list.Data, nil
}

// genuine is usable(entries) if they are a list as OpenAI's servers send it,
// and nothing if another program listens there.
func genuine(entries []modelEntry) []string {
	for _, m := range entries {
		if m.Object != "model" || m.ID == "" {
			return nil
		}
	}
	return usable(entries)
}

// usable is the ids that can be shown and can chat, in the provider's order.
func usable(entries []modelEntry) []string {
	var ids []string
	for _, m := range entries {
		if m.ID != "" && m.ID == clean(m.ID, maxModelID) && canChat(m.ID) && len(ids) < maxModels {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// canChat is false for ids of models of other kinds. They can still be named.
func canChat(id string) bool {
	for _, other := range []string{
		"embed", "whisper", "tts", "dall-e", "moderation", "rerank", "transcribe",
		"gpt-image", "sora", "realtime", "babbage-002", "davinci-002",
	} {
		if strings.Contains(strings.ToLower(id), other) {
			return false
		}
	}
	return true
}
