package model

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xrash/smetrics"

	"chat"
)

const (
	// listTimeout bounds the wait of a message for a provider's list of models.
	listTimeout = time.Second
	// slowPause is how long a configured provider that did not list its models in time
	// is not asked again on behalf of a message.
	slowPause = 30 * time.Second
	// maxSuggestions bounds the models that an error suggests.
	maxSuggestions = 3
)

// CheckModel refuses a model that its provider is known not to have
// (CodeProviderModel), and suggests similar ones. Where there is no list, or not in
// time, it returns nil: the provider reports the error.
func (r *Registry) CheckModel(ctx context.Context, name string, own *Credentials) error {
	if name == "" || name == r.opts.DefaultModel || isDemo(name) {
		return nil
	}
	providers, err := r.providers(own)
	p, _ := byPrefix(providers, name)
	if p == nil {
		if server := r.serverOf(name); server != "" {
			return r.checkServer(ctx, providers, server, name)
		}
	}
	switch {
	case err != nil:
		return nil //nolint:nilerr // Stream reports what is wrong with the setting
	case len(providers) == 0:
		return r.checkLocal(ctx, name)
	case p == nil:
		if p, _, err = r.resolveBare(ctx, providers, name, own != nil || r.isDefault(providers, name)); err != nil {
			return err
		}
		if !slices.Contains(providers, p) {
			return nil // a local server has it
		}
	}
	list := r.allOf(ctx, p)
	if len(list.All) == 0 || lists(list.All, p.Name(), name) {
		return nil
	}
	matches, err := r.local(ctx, providers, name, true)
	if err != nil || len(matches) > 0 { // the server may have come since
		return err
	}
	return unknownModel(list.Host+" has no model", name, list.All)
}

// list returns what p lists, and records that p has answered.
func (r *Registry) list(ctx context.Context, p Provider) (List, error) {
	list, err := p.Models(ctx)
	if err == nil {
		r.setSlow(p, false)
	}
	return list, err
}

// allOf returns what p lists, nothing if that is not known within listTimeout.
func (r *Registry) allOf(ctx context.Context, p Provider) List {
	if r.isSlow(p) {
		return List{}
	}
	limited, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	list, err := r.list(limited, p)
	if err != nil {
		if ctx.Err() == nil { // otherwise the caller has gone, which is not p's fault
			r.setSlow(p, true)
		}
		r.opts.Logger.Debug("model: a provider does not list its models", "provider", p.Name(), "err", err)
		return List{}
	}
	return list
}

// isSlow reports whether p is configured and did not list its models in time just now.
func (r *Registry) isSlow(p Provider) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	since, ok := r.slow[p]
	return ok && time.Since(since) < slowPause
}

// setSlow records whether p, if it is configured, did not list its models in time.
func (r *Registry) setSlow(p Provider, slow bool) {
	if !slices.Contains(r.opts.Providers, p) && !slices.Contains(r.opts.Named, p) {
		return // a client's own provider lives for one call
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if slow {
		r.slow[p] = time.Now()
	} else {
		delete(r.slow, p)
	}
}

// lists reports whether a model is in a list, under any of the names that lead to it.
// Providers accept variants of what they list (OpenRouter's vendor/model:free) and
// fine-tuned models (OpenAI's ft:…), which they do not list.
func lists(all []string, provider, name string) bool {
	id := strings.TrimPrefix(name, provider+"/")
	if strings.HasPrefix(id, "ft:") {
		return true
	}
	for _, name := range []string{name, id} {
		base := name
		if i := strings.LastIndexByte(name, ':'); i > 0 {
			base = name[:i]
		}
		if slices.Contains(all, name) || slices.Contains(all, name+":latest") || slices.Contains(all, base) {
			return true
		}
	}
	return false
}

// checkServer checks <server>/<id> of a local server. A server that does not run may have
// the model.
func (r *Registry) checkServer(ctx context.Context, providers []Provider, server, name string) error {
	_, _, err := r.resolveServer(ctx, providers, server, name)
	if chat.IsCode(err, chat.CodeProviderConnect) {
		return nil
	}
	return err
}

// checkLocal checks a model where no provider is configured.
func (r *Registry) checkLocal(ctx context.Context, name string) error {
	if r.opts.Local == nil {
		return nil
	}
	for _, recheck := range []bool{false, true} { // the server may have come since
		found, err := r.opts.Local.Find(ctx, recheck)
		if err != nil || len(found) == 0 {
			return err
		}
		if matches := pick(found, name); len(matches) > 0 {
			_, _, err := only(name, matches)
			return err
		}
		if recheck {
			var all []string
			for _, d := range found {
				all = append(all, d.List.IDs...)
			}
			return unknownModel("no local server has the model", name, all)
		}
	}
	return nil
}

// unknownModel is the error of a model that does not exist. what says where.
func unknownModel(what, name string, all []string) *chat.Error {
	said := fmt.Sprintf("%s %q", what, OneLine(name, MaxID))
	if likely := similar(all, name); len(likely) > 0 {
		return chat.Errorf(chat.CodeProviderModel, "%s: did you mean %s? \"chat models\" lists them all", said, strings.Join(likely, " or "))
	}
	return chat.Errorf(chat.CodeProviderModel, "%s: \"chat models\" lists those there are", said)
}

// similar returns the ids most like name, quoted, best first.
func similar(all []string, name string) []string {
	type candidate struct {
		id       string
		distance int
	}
	asked := strings.ToLower(name)
	var found []candidate
	for _, id := range all {
		if id != OneLine(id, MaxID) {
			continue
		}
		known := strings.ToLower(id)
		longer, shorter := known, asked
		if len(longer) < len(shorter) {
			longer, shorter = shorter, longer
		}
		gap := len(longer) - len(shorter)
		switch limit := max(2, len(asked)/4); {
		case len(shorter) > 2 && strings.Contains(longer, shorter):
			found = append(found, candidate{id, gap})
		case gap <= limit:
			if d := smetrics.WagnerFischer(known, asked, 1, 1, 1); d <= limit {
				found = append(found, candidate{id, 2 * d})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var likely []string
	for _, c := range found[:min(len(found), maxSuggestions)] {
		likely = append(likely, fmt.Sprintf("%q", c.id))
	}
	return likely
}
