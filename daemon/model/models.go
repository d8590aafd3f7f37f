package model

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"chat"
)

// Models lists the models that a Request can name, exactly one of them with Default set:
// those of the configured providers (or of own, if not nil), of the local servers, and
// the demo. If a provider does not answer, or has no models (CodeProviderModel), the
// error says so and the list has the rest.
func (r *Registry) Models(ctx context.Context, own *Credentials) ([]chat.Model, error) {
	providers, err := r.providers(own)
	list, _, err := r.models(ctx, providers, err)
	return list, err
}

// ModelsOrNotice is Models, but an error that leaves models to choose from is a notice:
// other models than the demo, or that the provider has none.
func (r *Registry) ModelsOrNotice(ctx context.Context, own *Credentials) (list []chat.Model, notice *chat.Error, err error) {
	providers, err := r.providers(own)
	list, found, err := r.models(ctx, providers, err)
	if err != nil && ctx.Err() == nil && (found || chat.IsCode(err, chat.CodeProviderModel)) {
		return list, chat.AsError(err), nil
	}
	return list, nil, err
}

// models lists the models of providers, of the local servers, and the demo. found says that
// one of the first two has models. err is what was wrong before.
func (r *Registry) models(ctx context.Context, providers []Provider, err error) (models []chat.Model, found bool, _ error) {
	all, listErr := r.askAll(ctx, providers)
	if err == nil {
		err = listErr
	}
	var local []Detected
	if r.opts.Local != nil {
		running, findErr := r.opts.Local.Find(ctx, false)
		local = beside(running, providers)
		if err == nil {
			err = findErr
		}
		if err == nil && len(providers) == 0 && len(running) == 0 {
			err = r.opts.Local.Empty()
		}
	}
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	list := r.named(append(slices.Clone(all), local...), providers, all)
	found = len(list) > 0
	list = append(list, chat.Model{ID: DemoModel, Provider: DemoModel})
	return r.markDefault(list, providers, all), found, err
}

// askAll asks all providers at the same time. The error has a sentence for each one that has
// not answered or has no models.
func (r *Registry) askAll(ctx context.Context, providers []Provider) (all []Detected, err error) {
	lists, errs := make([]List, len(providers)), make([]error, len(providers))
	var asking sync.WaitGroup
	for i, p := range providers {
		asking.Go(func() { lists[i], errs[i] = r.list(ctx, p) })
	}
	asking.Wait()
	var failures []*chat.Error
	for i, p := range providers {
		if errs[i] == nil {
			all = append(all, Detected{p, lists[i]})
			if !lists[i].NoList {
				errs[i] = lists[i].Empty
			}
		}
		if errs[i] != nil {
			failures = append(failures, chat.AsError(errs[i]))
		}
	}
	return all, together(failures)
}

// together is one error for all failures: the first one's, with the sentences of the others.
func together(failures []*chat.Error) error {
	if len(failures) == 0 {
		return nil
	}
	all := *failures[0]
	for _, f := range failures[1:] {
		all.Message += "; " + f.Message
	}
	return &all
}

// named lists models under the names that lead to them: the id, or <provider>/<id> if
// several providers have the id or if it begins with the name of another one. listed are
// the configured providers that did list their models.
func (r *Registry) named(all []Detected, providers []Provider, listed []Detected) []chat.Model {
	count := map[string]int{DemoModel: 1}
	if want, provider := r.wanted(providers); !r.elsewhere(provider, listed) {
		count[want]++ // the bare name leads to that provider
	}
	for _, d := range all {
		for _, id := range d.List.IDs {
			count[id]++
		}
	}
	taken := map[string]bool{}
	var list []chat.Model
	for _, d := range all {
		for _, id := range d.List.IDs {
			name, provider := id, d.Provider.Name()
			if owner := r.prefixOf(providers, id); count[id] > 1 || owner != "" && owner != provider {
				name = provider + "/" + id
			}
			if !taken[name] {
				taken[name] = true
				list = append(list, chat.Model{ID: name, Provider: provider, ModelInfo: d.List.Info[id]})
			}
		}
	}
	return list
}

// prefixOf returns the provider or local server that name leads to by its prefix, "" if
// it has none.
func (r *Registry) prefixOf(providers []Provider, name string) string {
	if p, _ := byPrefix(providers, name); p != nil {
		return p.Name()
	}
	return r.serverOf(name)
}

// elsewhere reports whether a default model that provider does not list may be that of a
// local server: the provider's models are known, or there is no configured provider.
func (r *Registry) elsewhere(provider string, listed []Detected) bool {
	if provider == "" {
		return r.opts.Unusable == nil
	}
	return slices.ContainsFunc(listed, func(d Detected) bool { return d.Provider.Name() == provider && len(d.List.All) > 0 })
}

// wanted returns the name of the default model, "" for the first of the list, and its
// provider: the one of its prefix, or the first configured one; "" if there is none.
func (r *Registry) wanted(providers []Provider) (want, provider string) {
	if isDemo(r.opts.DefaultModel) {
		return DemoModel, DemoModel
	}
	want = r.opts.DefaultModel
	if len(providers) > 0 {
		provider = providers[0].Name()
		want = cmp.Or(want, providers[0].DefaultModel())
	}
	return want, cmp.Or(r.prefixOf(providers, want), provider)
}

// markDefault marks the model that answers when none is named. listed are the configured
// providers that did list their models.
func (r *Registry) markDefault(list []chat.Model, providers []Provider, listed []Detected) []chat.Model {
	want, provider := r.wanted(providers)
	at := -1
	if provider != "" || want == "" {
		at = r.indexDefault(list, want, provider)
	}
	if at < 0 && r.prefixOf(providers, want) == "" && r.elsewhere(provider, listed) {
		at = r.indexDefault(list, want, "")
	}
	if at >= 0 {
		list[at].Default = true
		return list
	}
	missing := false
	if len(listed) > 0 && listed[0].Provider.Name() == provider {
		all := listed[0].List.All
		missing = len(all) > 0 && !slices.ContainsFunc(all, func(id string) bool { return id == want || strings.HasPrefix(want, id+":") })
	}
	return slices.Insert(list, 0, chat.Model{ID: want, Provider: provider, Default: true, Unlisted: missing})
}

// indexDefault returns the index of the model that want means at a provider, or at any if
// that is "": under its name, or without Ollama's ":latest"; -1 if there is none.
func (r *Registry) indexDefault(list []chat.Model, want, provider string) int {
	if want == "" {
		return slices.IndexFunc(list, func(m chat.Model) bool {
			// A local model does not stand in for a configured provider; the demo does.
			return provider == "" && r.opts.Unusable == nil || m.Provider == provider || m.Provider == DemoModel
		})
	}
	for _, name := range []string{want, want + ":latest"} {
		at := slices.IndexFunc(list, func(m chat.Model) bool {
			if provider != "" && m.Provider != provider {
				return false
			}
			return m.ID == name || m.Provider+"/"+m.ID == name || provider != "" && m.ID == provider+"/"+name
		})
		if at >= 0 {
			return at
		}
	}
	return -1
}
