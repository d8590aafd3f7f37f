package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/xrash/smetrics"

	"chat"
	"chat/daemon/model"
)

const (
	// checkBudget is how long a message waits for the list of models.
	checkBudget = time.Second
	// checkPause is how long a configured provider that did not list its models
	// in time is not asked again for a check.
	checkPause = 30 * time.Second
	// maxNear bounds the models that an error suggests.
	maxNear = 3
)

// CheckModel refuses a model that its provider is known not to have
// (CodeProviderModel), and suggests similar ones. Where there is no list, or not
// soon, it returns nil: the provider itself will say.
func (r *Registry) CheckModel(ctx context.Context, model string, own *model.Credentials) error {
	if model == "" || model == r.cfg.DefaultModel || isDemo(model) {
		return nil
	}
	to, err := r.remote(own)
	switch {
	case err != nil:
		return nil //nolint:nilerr // Stream says what is wrong with the setting
	case to != nil:
		all := r.allOf(ctx, to)
		if len(all) == 0 || lists(all, to, model) {
			return nil
		}
		return unknownModel(to.host, model, all)
	case r.locals == nil:
		return nil
	}
	return r.checkLocal(ctx, model)
}

func isDemo(model string) bool { return model == DemoModel || model == DemoModel+"/"+DemoModel }

// allOf is all that e lists, nothing if that cannot be told within the budget.
func (r *Registry) allOf(ctx context.Context, e *endpoint) []string {
	r.listMu.Lock()
	mute := e == r.configured && !r.muteAt.IsZero() && time.Since(r.muteAt) < checkPause
	r.listMu.Unlock()
	if mute {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkBudget)
	defer cancel()
	list, err := r.listing(ctx, e)
	if err != nil {
		r.cfg.Logger.Debug("provider: a model goes unchecked", "host", e.host, "err", err)
		if e == r.configured {
			r.listMu.Lock()
			r.muteAt = time.Now()
			r.listMu.Unlock()
		}
		return nil
	}
	return list.all
}

// lists reports whether a model is in a list, under any of the names that lead
// to it. Providers take variants of what they list (OpenRouter's vendor/model:free)
// and models of one's own (OpenAI's ft:…), which they do not.
func lists(all []string, e *endpoint, model string) bool {
	id := strings.TrimPrefix(model, e.name+"/")
	if strings.HasPrefix(id, "ft:") {
		return true
	}
	for _, name := range []string{model, id} {
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

func (r *Registry) checkLocal(ctx context.Context, model string) error {
	for _, again := range []bool{false, true} { // it may have come since
		found, err := r.locals.find(ctx, again)
		if err != nil || len(found) == 0 {
			return err
		}
		if to, _ := pick(found, model); to != nil {
			return nil
		}
		if again {
			var all []string
			for _, l := range found {
				all = append(all, l.ids...)
			}
			return unknownModel("no local server", model, all)
		}
	}
	return nil
}

func unknownModel(where, model string, all []string) *chat.Error {
	said := fmt.Sprintf("%s has the model %q", where, clean(model, maxModelID))
	if where != "no local server" {
		said = fmt.Sprintf("%s has no model %q", where, clean(model, maxModelID))
	}
	if likely := near(all, model); len(likely) > 0 {
		return chat.Errorf(chat.CodeProviderModel, "%s: did you mean %s? \"chat models\" lists them all", said, strings.Join(likely, " or "))
	}
	return chat.Errorf(chat.CodeProviderModel, "%s: \"chat models\" lists those there are", said)
}

// near are the ids that look most like model, quoted, best first.
func near(all []string, model string) []string {
	type candidate struct {
		id   string
		away int
	}
	asked := strings.ToLower(model)
	var found []candidate
	for _, id := range all {
		if id != clean(id, maxModelID) {
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
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.away, b.away) })
	var likely []string
	for _, c := range found[:min(len(found), maxNear)] {
		likely = append(likely, fmt.Sprintf("%q", c.id))
	}
	return likely
}
