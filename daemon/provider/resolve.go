package provider

import (
	"context"
	"strings"

	"chat"
	"chat/daemon/model"
)

// ModelName is the name under which a request for model will be answered, as far
// as it can be told; model itself otherwise.
func (r *Registry) ModelName(ctx context.Context, model string, own *model.Credentials) string {
	_, name, err := r.resolve(ctx, model, own)
	if err != nil {
		return model // Stream will say what is wrong
	}
	return name
}

// resolve finds the endpoint that a model's name leads to, and the name it has
// there.
func (r *Registry) resolve(ctx context.Context, model string, own *model.Credentials) (*endpoint, string, error) {
	if model == "" {
		model = r.cfg.DefaultModel
	}
	if isDemo(model) {
		return r.demo, DemoModel, nil
	}
	to, err := r.remote(own)
	switch {
	case err != nil:
		return nil, "", err
	case to != nil && model == "":
		model, err = r.defaultOf(ctx, to)
		return to, model, err
	case to != nil:
		return to, r.idAt(ctx, to, model), nil
	case r.locals == nil:
		return r.orDemo(model)
	}
	return r.resolveLocal(ctx, model)
}

// remote is the client's own provider, else the configured one, else nil.
func (r *Registry) remote(own *model.Credentials) (*endpoint, error) {
	if own == nil || *own == (model.Credentials{}) {
		return r.configured, r.badConfig
	}
	base, from := own.BaseURL, shell()
	if base == "" {
		base, from.BaseURL = DefaultBaseURL, ""
	}
	to, err := newEndpoint(base, own.Key, from, r.transport)
	if err == nil {
		to.apiPath = r.apiPath(to.base)
	}
	return to, err
}

// maxPaths bounds the servers of clients that are remembered.
const maxPaths = 1000

// apiPath is what is known of the server of a client's own provider, whose
// endpoint lives for one call.
func (r *Registry) apiPath(base string) *apiPath {
	r.pathsMu.Lock()
	defer r.pathsMu.Unlock()
	if known := r.paths[base]; known != nil {
		return known
	}
	if r.paths == nil || len(r.paths) >= maxPaths {
		r.paths = map[string]*apiPath{}
	}
	r.paths[base] = new(apiPath)
	return r.paths[base]
}

// Configured reports whether own is the configured provider with its key.
func (r *Registry) Configured(own model.Credentials) bool {
	to, err := r.remote(&own)
	return err == nil && to != nil && to.same(r.configured)
}

// orDemo is what is left without any provider.
func (r *Registry) orDemo(model string) (*endpoint, string, error) {
	if model == "" {
		return r.demo, DemoModel, nil
	}
	return nil, "", chat.Errorf(chat.CodeNotConfigured,
		"no provider has the model %q: set OPENAI_API_KEY or OPENAI_BASE_URL, start a local server such as Ollama, or use the model \"demo\"", clean(model, maxModelID))
}

// defaultOf is the model that answers at to when none is named.
func (r *Registry) defaultOf(ctx context.Context, to *endpoint) (string, error) {
	if to.isOpenAI() {
		return DefaultOpenAIModel, nil
	}
	list, err := r.listing(ctx, to)
	switch {
	case err != nil:
		return "", err
	case len(list.usable) > 0:
		return list.usable[0], nil
	case list.none:
		return "", to.noModels()
	}
	return "", chat.Errorf(chat.CodeProviderModel, "%s does not list its models: name one with --model, or check %s", to.host, to.from.base(to))
}

// idAt is model without the provider's name in front, unless the provider has a
// model of that very name, as OpenRouter has openrouter/auto.
func (r *Registry) idAt(ctx context.Context, to *endpoint, model string) string {
	id, ok := strings.CutPrefix(model, to.name+"/")
	if !ok || id == "" {
		return model
	}
	ids, err := r.listOf(ctx, to)
	if err != nil {
		return id // the provider itself will say what is wrong
	}
	for _, known := range ids {
		if known == model {
			return model
		}
	}
	return id
}

// resolveLocal finds a model on the local servers.
func (r *Registry) resolveLocal(ctx context.Context, model string) (*endpoint, string, error) {
	found, err := r.locals.find(ctx, false)
	if err != nil {
		return nil, "", err
	}
	if to, id := pick(found, model); to != nil {
		return to, id, nil
	}
	if found, err = r.locals.find(ctx, true); err != nil { // it may have come since
		return nil, "", err
	}
	if to, id := pick(found, model); to != nil {
		return to, id, nil
	}
	// A server that has just gone is better waited for than silently replaced.
	if to, id := pick(r.locals.seen(), model); to != nil {
		return to, id, nil
	}
	if len(found) > 0 {
		return nil, "", chat.Errorf(chat.CodeProviderModel,
			"no local server has the model %q: \"chat models\" lists those there are", clean(model, maxModelID))
	}
	if err := r.locals.noModels(); err != nil {
		return nil, "", err
	}
	return r.orDemo(model)
}

// pick finds model among what was found: by its id, by <provider>/<id>, by its
// id without Ollama's ":latest"; "" is the first one.
func pick(found []local, model string) (*endpoint, string) {
	for _, suffix := range []string{"", ":latest"} {
		for _, l := range found {
			for _, id := range l.ids {
				if model == "" || model+suffix == id || model+suffix == l.to.name+"/"+id {
					return l.to, id
				}
			}
		}
	}
	return nil, ""
}
