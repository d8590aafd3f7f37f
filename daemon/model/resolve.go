package model

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"chat"
)

// ModelName returns the name under which a request for name will be answered, or name
// itself if it cannot be resolved.
func (r *Registry) ModelName(ctx context.Context, name string, own *Credentials) string {
	_, id, err := r.resolve(ctx, name, own)
	if err != nil {
		return name // Stream reports the error
	}
	return id
}

// resolve returns the provider that a model's name leads to, and the model's id there. A
// prefix decides first: <provider>/<id> never leads to another provider.
func (r *Registry) resolve(ctx context.Context, name string, own *Credentials) (Provider, string, error) {
	name = cmp.Or(name, r.opts.DefaultModel)
	if isDemo(name) {
		return r.opts.Demo, DemoModel, nil
	}
	providers, err := r.providers(own)
	if p, id := byPrefix(providers, name); p != nil {
		return p, r.idAt(ctx, p, name, id), nil
	}
	if server := r.serverOf(name); server != "" {
		return r.resolveServer(ctx, providers, server, name)
	}
	switch {
	case err != nil:
		return r.resolveDespite(ctx, providers, name, err)
	case len(providers) == 0:
		return r.resolveLocal(ctx, name)
	case name == "":
		id, err := r.defaultOf(ctx, providers[0])
		return providers[0], id, err
	}
	return r.resolveBare(ctx, providers, name, own != nil || r.isDefault(providers, name))
}

func isDemo(name string) bool { return name == DemoModel || name == DemoModel+"/"+DemoModel }

// providers are the configured ones. A client's own provider stands before those that have
// a name of their own, and replaces the others.
func (r *Registry) providers(own *Credentials) ([]Provider, error) {
	if own == nil || *own == (Credentials{}) {
		return append(slices.Clone(r.opts.Providers), r.opts.Named...), r.opts.Unusable
	}
	p, err := r.opts.Own(*own)
	if err != nil {
		return r.opts.Named, err
	}
	named := slices.DeleteFunc(slices.Clone(r.opts.Named), func(n Provider) bool { return n.Name() == p.Name() && n.Uses(*own) })
	return append([]Provider{p}, named...), nil
}

// byPrefix returns the provider whose name name begins with, and the rest of name; nil if
// there is none.
func byPrefix(providers []Provider, name string) (Provider, string) {
	for _, p := range providers {
		if id, ok := strings.CutPrefix(name, p.Name()+"/"); ok && id != "" {
			return p, id
		}
	}
	return nil, ""
}

// serverOf returns the local server whose name name begins with, found or not; "" if
// there is none.
func (r *Registry) serverOf(name string) string {
	server, id, _ := strings.Cut(name, "/")
	if r.opts.Local == nil || id == "" || !slices.Contains(r.opts.Local.Names(), server) {
		return ""
	}
	return server
}

// isDefault reports whether name is the model of a request that names none.
func (r *Registry) isDefault(providers []Provider, name string) bool {
	return name == r.opts.DefaultModel || len(providers) > 0 && name == providers[0].DefaultModel()
}

// defaultOf returns the model of p that answers when none is named.
func (r *Registry) defaultOf(ctx context.Context, p Provider) (string, error) {
	if id := p.DefaultModel(); id != "" {
		return id, nil
	}
	list, err := r.list(ctx, p)
	if err != nil {
		return "", err
	}
	if len(list.IDs) == 0 {
		return "", list.Empty
	}
	return list.IDs[0], nil
}

// idAt returns id, which is name without the provider's name, unless the provider has a
// model of that full name, as OpenRouter has openrouter/auto.
func (r *Registry) idAt(ctx context.Context, p Provider, name, id string) string {
	list, err := r.list(ctx, p)
	if err == nil && slices.Contains(list.IDs, name) {
		return name
	}
	return id // if there is no list, the provider reports what is wrong
}

// resolveDespite finds a model of a local server or of providers while the first one cannot
// be used. err says why it cannot. The default model is that provider's.
func (r *Registry) resolveDespite(ctx context.Context, providers []Provider, name string, err error) (Provider, string, error) {
	if r.isDefault(nil, name) {
		return nil, "", err
	}
	matches, findErr := r.local(ctx, providers, name, false)
	for _, p := range providers {
		if all := r.allOf(ctx, p).All; slices.Contains(all, name) || slices.Contains(all, name+":latest") {
			matches = append(matches, match{p, name})
		}
	}
	if findErr != nil || len(matches) != 1 {
		return nil, "", err
	}
	return matches[0].provider, matches[0].id, nil
}

// resolveBare resolves a name without a prefix. Only if a local server has the model, or
// there are several providers, their lists are needed. firstWins says that the model is the
// first provider's unless that is known not to have it: it is the default model, or the
// provider is the client's own.
func (r *Registry) resolveBare(ctx context.Context, providers []Provider, name string, firstWins bool) (Provider, string, error) {
	local, err := r.local(ctx, providers, name, false)
	if err != nil {
		return nil, "", err
	}
	if len(local) == 0 && len(providers) == 1 {
		return providers[0], name, nil
	}
	var matches []match
	var mayHave Provider // the first one whose list is unknown
	for i, p := range providers {
		all := r.allOf(ctx, p).All
		listed := slices.Contains(all, name) || slices.Contains(all, name+":latest")
		switch {
		case i == 0 && (listed || len(all) == 0) && firstWins:
			return p, name, nil
		case listed:
			matches = append(matches, match{p, name})
		case len(all) == 0 && mayHave == nil:
			mayHave = p
		}
	}
	matches = append(matches, local...)
	switch {
	case len(matches) > 0:
		return only(name, matches)
	case mayHave != nil:
		return mayHave, name, nil
	}
	return providers[0], name, nil // which reports a model that it does not have
}

// match is a model that a name may mean.
type match struct {
	provider Provider
	id       string
}

// local returns the models of local servers that name may mean. A server with the name
// of one of the providers is that provider.
func (r *Registry) local(ctx context.Context, providers []Provider, name string, recheck bool) ([]match, error) {
	if r.opts.Local == nil {
		return nil, nil
	}
	found, err := r.opts.Local.Find(ctx, recheck)
	if err != nil {
		return nil, err
	}
	return pick(beside(found, providers), name), nil
}

// beside is found without the servers that have the name of a provider.
func beside(found []Detected, providers []Provider) []Detected {
	if len(providers) == 0 {
		return found
	}
	return slices.DeleteFunc(slices.Clone(found), func(d Detected) bool {
		return slices.ContainsFunc(providers, func(p Provider) bool { return p.Name() == d.Provider.Name() })
	})
}

// pick returns what name means among the detected providers: an id, <provider>/<id>, or
// either without Ollama's ":latest"; "" is the first model.
func pick(found []Detected, name string) []match {
	for _, suffix := range []string{"", ":latest"} {
		var out []match
		for _, d := range found {
			for _, id := range d.List.IDs {
				if name == "" {
					return []match{{d.Provider, id}}
				}
				if name+suffix == id || name+suffix == d.Provider.Name()+"/"+id {
					out = append(out, match{d.Provider, id})
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// resolveServer resolves <server>/<id> of a local server. If the server has gone, its last
// list counts, so that the error is the server's own and the task is retried.
func (r *Registry) resolveServer(ctx context.Context, providers []Provider, server, name string) (Provider, string, error) {
	var listed []string
	for _, recheck := range []bool{false, true} { // the server or the model may have come since
		found, err := r.opts.Local.Find(ctx, recheck)
		if err != nil {
			return nil, "", err
		}
		found = at(found, server)
		if matches := pick(found, name); len(matches) > 0 {
			return matches[0].provider, matches[0].id, nil
		}
		for _, d := range found {
			listed = d.List.IDs
		}
	}
	_, id, _ := strings.Cut(name, "/")
	if listed != nil {
		return nil, "", unknownModel("the local server "+server+" has no model", id, listed)
	}
	if matches := pick(at(r.opts.Local.Known(), server), name); len(matches) > 0 {
		return matches[0].provider, matches[0].id, nil
	}
	hint := ""
	for _, p := range providers {
		if slices.Contains(r.allOf(ctx, p).All, name) {
			hint = ", or name " + p.Name() + "/" + OneLine(name, MaxID)
		}
	}
	return nil, "", chat.Retryable(chat.Errorf(chat.CodeProviderConnect,
		"the local server %s is not running or has no models: start it and pull the model %q%s; \"chat models\" lists the models there are", server, OneLine(id, MaxID), hint))
}

// at returns the servers of that name among found.
func at(found []Detected, server string) []Detected {
	return slices.DeleteFunc(slices.Clone(found), func(d Detected) bool { return d.Provider.Name() != server })
}

// resolveLocal resolves a name where no provider is configured.
func (r *Registry) resolveLocal(ctx context.Context, name string) (Provider, string, error) {
	if r.opts.Local == nil {
		return r.orDemo(name)
	}
	for _, recheck := range []bool{false, true} { // the server may have come since
		matches, err := r.local(ctx, nil, name, recheck)
		if err != nil {
			return nil, "", err
		}
		if len(matches) > 0 {
			return only(name, matches)
		}
	}
	// A server that has just gone is better waited for than silently replaced.
	if matches := pick(r.opts.Local.Known(), name); len(matches) > 0 {
		return only(name, matches)
	}
	found, err := r.opts.Local.Find(ctx, false)
	if err != nil {
		return nil, "", err
	}
	if len(found) > 0 {
		return nil, "", chat.Errorf(chat.CodeProviderModel,
			"no local server has the model %q: \"chat models\" lists those there are", OneLine(name, MaxID))
	}
	if err := r.opts.Local.Empty(); err != nil {
		return nil, "", err
	}
	return r.orDemo(name)
}

// only returns the single match.
func only(name string, matches []match) (Provider, string, error) {
	if len(matches) > 1 {
		return nil, "", ambiguous(name, matches)
	}
	return matches[0].provider, matches[0].id, nil
}

// ambiguous is the error of a bare name that several providers have.
func ambiguous(name string, matches []match) error {
	var full []string
	for _, m := range matches {
		full = append(full, m.provider.Name()+"/"+OneLine(m.id, MaxID))
	}
	return chat.Errorf(chat.CodeProviderModel, "several providers have the model %q: name one of them, as in %s",
		OneLine(name, MaxID), strings.Join(full, " or "))
}

// orDemo returns the demo where there is no provider.
func (r *Registry) orDemo(name string) (Provider, string, error) {
	if name == "" {
		return r.opts.Demo, DemoModel, nil
	}
	return nil, "", chat.Errorf(chat.CodeNotConfigured,
		"no provider has the model %q: set OPENAI_API_KEY, ANTHROPIC_API_KEY or OPENAI_BASE_URL, start a local server such as Ollama, or use the model \"demo\"", OneLine(name, MaxID))
}
