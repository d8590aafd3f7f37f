package provider

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"chat"
	"chat/daemon/model"
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
// local servers', and the demo. If the provider does not answer, or has no models
// (CodeProviderModel), the error says so and the list has the rest.
func (r *Registry) Models(ctx context.Context, own *model.Credentials) ([]chat.Model, error) {
	var list []chat.Model
	var all []string // what the provider lists, of whatever kind
	to, err := r.remote(own)
	switch {
	case to != nil:
		var listed listing
		listed, err = r.listing(ctx, to)
		all = listed.all
		list = appendModels(list, to, listed.usable, listed.facts)
		if listed.none {
			err = to.noModels()
		}
	case err == nil && r.locals != nil:
		var found []local
		found, err = r.locals.find(ctx, false)
		for _, l := range found {
			list = appendModels(list, l.to, l.ids, l.facts)
		}
		if err == nil && len(found) == 0 {
			err = r.locals.noModels()
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	list = append(list, chat.Model{ID: DemoModel, Provider: DemoModel})
	return r.markDefault(list, to, all), err
}

// markDefault marks what resolve would choose for no name. all is what the provider
// to lists, of whatever kind.
func (r *Registry) markDefault(list []chat.Model, to *endpoint, all []string) []chat.Model {
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
	missing := len(all) > 0 && !slices.ContainsFunc(all, func(id string) bool { return id == want || strings.HasPrefix(want, id+":") })
	return slices.Insert(list, 0, chat.Model{ID: want, Provider: provider, Default: true, Unlisted: missing})
}

// appendModels appends the models of e; an id that is taken gets e's name in front.
func appendModels(list []chat.Model, e *endpoint, ids []string, facts map[string]chat.ModelInfo) []chat.Model {
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
			list = append(list, chat.Model{ID: name, Provider: e.name, ModelInfo: facts[id]})
		}
	}
	return list
}

// listing is what a server lists.
type listing struct {
	all    []string
	usable []string // those that can be shown and can chat
	none   bool     // the server does list its models, and none can chat
	facts  map[string]chat.ModelInfo
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
	given, err := e.models(limited)
	if err != nil && !errors.Is(err, errNoList) {
		return listing{}, err
	}
	list := listing{usable: usable(given.entries), facts: metadataOf(given.entries)}
	if list.none = err == nil && len(list.usable) == 0; e.deployment != "" {
		list.usable = []string{e.deployment}
	}
	for _, m := range given.entries {
		list.all = append(list.all, string(m.ID))
	}
	if e == r.configured {
		r.listMu.Lock()
		defer r.listMu.Unlock()
		r.listed, r.listAt, r.muteAt = list, time.Now(), time.Time{}
	}
	return list, nil
}
