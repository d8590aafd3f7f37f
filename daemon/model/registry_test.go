package model_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
)

// fakeProvider answers with its name, and lists ids.
type fakeProvider struct {
	name, def string
	ids       []string
	info      map[string]chat.ModelInfo
	err       error // of Models
	empty     error // the list's Empty
	hangs     bool  // Models returns only when its context ends
	asked     int   // calls of Models
}

func (p *fakeProvider) Name() string                { return p.name }
func (p *fakeProvider) DefaultModel() string        { return p.def }
func (p *fakeProvider) Uses(model.Credentials) bool { return false }
func (p *fakeProvider) Check(_ context.Context, _ bool) model.Check {
	return model.Check{Provider: p.name}
}

func (p *fakeProvider) detected() model.Detected { return model.Detected{Provider: p, List: p.list()} }

func (p *fakeProvider) list() model.List {
	return model.List{Host: p.name + ".example", IDs: p.ids, All: p.ids, Info: p.info, Empty: p.empty}
}

func (p *fakeProvider) Models(ctx context.Context) (model.List, error) {
	p.asked++
	if p.hangs {
		<-ctx.Done()
		return model.List{}, context.Cause(ctx)
	}
	if p.err != nil {
		return model.List{}, p.err
	}
	return p.list(), nil
}

func (p *fakeProvider) Stream(_ context.Context, req model.Request) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		yield(model.Event{Finish: &model.Finish{Reason: p.name, Model: req.Model}}, nil)
	}
}

// fakeDetector finds running, and looks for gone, which it found earlier, and for names.
type fakeDetector struct {
	running, gone []*fakeProvider
	never         []string
}

func (d *fakeDetector) Empty() error { return nil }

func (d *fakeDetector) Names() []string {
	names := slices.Clone(d.never)
	for _, p := range slices.Concat(d.running, d.gone) {
		names = append(names, p.name)
	}
	return names
}

func (d *fakeDetector) Find(ctx context.Context, _ bool) (found []model.Detected, err error) {
	for _, p := range d.running {
		found = append(found, p.detected())
	}
	return found, context.Cause(ctx)
}

func (d *fakeDetector) Known() (known []model.Detected) {
	for _, p := range slices.Concat(d.running, d.gone) {
		known = append(known, p.detected())
	}
	return known
}

// provider returns a provider that lists ids.
func provider(name string, ids ...string) *fakeProvider { return &fakeProvider{name: name, ids: ids} }

// down is the error of a provider that cannot be reached.
func down() error { return chat.Retryable(chat.Errorf(chat.CodeProviderConnect, "it is down")) }

// options are those of a registry with the demo and two configured providers.
func options(first, second *fakeProvider) model.Options {
	return model.Options{Providers: []model.Provider{first, second}, Demo: provider("demo", "demo")}
}

// answered returns the provider that answers a request for name, with its id there, as in
// "provider: id", or the error.
func answered(t *testing.T, r *model.Registry, name string) (string, error) {
	t.Helper()
	for e, err := range r.Stream(t.Context(), model.Request{Model: name}) {
		if err != nil {
			return "", err
		}
		return e.Finish.Reason + ": " + e.Finish.Model, nil
	}
	t.Fatal("no answer and no error")
	return "", nil
}

// route is where a name leads: to a provider and its id, or to an error.
type route struct {
	name    string
	to      string    // "provider: id"
	code    chat.Code // of the error
	message string    // what the error contains
	check   bool      // CheckModel refuses it, too
}

// checkRoutes checks Stream, ModelName and CheckModel for each name.
func checkRoutes(t *testing.T, o model.Options, routes []route) {
	t.Helper()
	for _, want := range routes {
		r := model.NewRegistry(o)
		to, err := answered(t, r, want.name)
		if to != want.to || want.code != "" && (!chat.IsCode(err, want.code) || !strings.Contains(err.Error(), want.message)) {
			t.Errorf("%q leads to %q, %v; want %q, %s %q", want.name, to, err, want.to, want.code, want.message)
		}
		if _, id, ok := strings.Cut(want.to, ": "); ok && r.ModelName(t.Context(), want.name, nil) != id {
			t.Errorf("%q has the name %q", want.name, r.ModelName(t.Context(), want.name, nil))
		}
		err = model.NewRegistry(o).CheckModel(t.Context(), want.name, nil)
		if refused := chat.IsCode(err, chat.CodeProviderModel); refused != want.check || err != nil && !refused {
			t.Errorf("the check of %q: %v, want it refused: %v", want.name, err, want.check)
		}
	}
}

func TestWhereANameLeadsWithTwoProviders(t *testing.T) {
	t.Parallel()
	first := provider("first", "both", "a", "first/auto", "other/x", "late:latest")
	first.def = "both"
	checkRoutes(t, options(first, provider("second", "both", "b", "common", "first/b")), []route{
		{name: "", to: "first: both"},
		{name: "a", to: "first: a"},
		{name: "b", to: "second: b"},
		{name: "late", to: "first: late"},
		{name: "first/a", to: "first: a"},
		{name: "first/auto", to: "first: first/auto"}, // as OpenRouter has openrouter/auto
		{name: "second/both", to: "second: both"},
		{name: "second/first/b", to: "second: first/b"},
		{name: "other/x", to: "first: other/x"},
		{name: "both", to: "first: both"}, // the default of the first
		{name: "demo", to: "demo: demo"},
		{name: "second/a", to: "second: a", check: true},
		{name: "nowhere", to: "first: nowhere", check: true},
	})
	first.def = ""
	checkRoutes(t, options(first, provider("second", "both")), []route{
		{name: "", to: "first: both"},
		{name: "both", code: chat.CodeProviderModel, message: "first/both or second/both", check: true},
	})
}

func TestWhereANameLeadsIfAProviderFails(t *testing.T) {
	t.Parallel()
	broken := &fakeProvider{name: "broken", err: down()}
	for _, o := range []model.Options{options(broken, provider("good", "g")), options(provider("good", "g"), broken)} {
		checkRoutes(t, o, []route{
			{name: "g", to: "good: g"},
			{name: "broken/x", to: "broken: x"},
			{name: "unknown", to: "broken: unknown"}, // the other one is known not to have it
			{name: "good/x", to: "good: x", check: true},
		})
	}
}

// A prefix decides before any list: a message for a local server never goes elsewhere.
func TestWhereANameLeadsBesideLocalServers(t *testing.T) {
	t.Parallel()
	remote := provider("remote", "both", "r", "ollama/llama", "studio/s", "never/n", "gone/x")
	o := options(remote, provider("second", "z"))
	o.Local = &fakeDetector{
		running: []*fakeProvider{provider("ollama", "both", "phi:latest", "l")},
		gone:    []*fakeProvider{provider("studio", "s", "only-there")},
		never:   []string{"never"},
	}
	checkRoutes(t, o, []route{
		{name: "", to: "remote: both"},
		{name: "ollama/both", to: "ollama: both"},
		{name: "ollama/phi", to: "ollama: phi:latest"},
		{name: "ollama/llama", code: chat.CodeProviderModel, message: `the local server ollama has no model "llama"`, check: true},
		{name: "remote/ollama/llama", to: "remote: ollama/llama"},
		{name: "studio/s", to: "studio: s"}, // which reports that it is gone
		{name: "never/n", code: chat.CodeProviderConnect, message: "remote/never/n"},
		{name: "never/other", code: chat.CodeProviderConnect, message: `the local server never is not running`},
		{name: "l", to: "ollama: l"},
		{name: "phi", to: "ollama: phi:latest"},
		{name: "r", to: "remote: r"},
		{name: "both", code: chat.CodeProviderModel, message: "remote/both or ollama/both", check: true},
	})
	for name, edit := range map[string]func(*model.Options){
		"without a provider": func(o *model.Options) { o.Providers = nil },
		"with an unusable provider": func(o *model.Options) {
			o.Providers, o.Unusable = nil, chat.Errorf(chat.CodeNotConfigured, "the keyring is locked")
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := o
			edit(&o)
			checkRoutes(t, o, []route{
				{name: "ollama/both", to: "ollama: both"},
				{name: "ollama/llama", code: chat.CodeProviderModel, message: "no model", check: true},
				{name: "studio/s", to: "studio: s"},
				{name: "never/n", code: chat.CodeProviderConnect, message: "is not running"},
			})
		})
	}
}

// A local server that has a model is a better choice than a provider that may have it,
// except for the default, which must not depend on who answers in time.
func TestAListThatIsUnknown(t *testing.T) {
	t.Parallel()
	for name, remote := range map[string]*fakeProvider{"failing": {name: "remote", err: down()}, "without a list": {name: "remote"}} {
		o := options(remote, provider("second", "z"))
		o.Local = &fakeDetector{running: []*fakeProvider{provider("ollama", "l", "standard")}}
		o.DefaultModel = "standard"
		t.Run(name, func(t *testing.T) {
			checkRoutes(t, o, []route{
				{name: "l", to: "ollama: l"},
				{name: "x", to: "remote: x"},
				{name: "", to: "remote: standard"},
				{name: "standard", to: "remote: standard"},
				{name: "ollama/standard", to: "ollama: standard"},
			})
		})
	}
}

func TestTheDefaultModelIsTheConfiguredProviders(t *testing.T) {
	t.Parallel()
	const locked = "the keyring is locked"
	for name, c := range map[string]struct {
		def    string
		remote *fakeProvider // nil: unusable
		to     string
		list   string
	}{
		"both have it": {
			"both", provider("remote", "both", "r"), "remote: both", "remote:remote/both* remote:r ollama:ollama/both ollama:l demo:demo",
		},
		"named with the provider": {
			"remote/both", provider("remote", "both"), "remote: both", "remote:remote/both* ollama:ollama/both ollama:l demo:demo",
		},
		"named with the local server": {
			"ollama/both", provider("remote", "both"), "ollama: both", "remote:remote/both ollama:ollama/both* ollama:l demo:demo",
		},
		"only the local server has it": {"l", provider("remote", "r"), "ollama: l", "remote:r ollama:both ollama:l* demo:demo"},
		"the provider is down": {
			"both", &fakeProvider{name: "remote", err: down()}, "remote: both", "remote:both* ollama:ollama/both ollama:l demo:demo",
		},
		"the provider is unusable": {"both", nil, locked, ":both* ollama:ollama/both ollama:l demo:demo"},
		"names that look local": {
			"", provider("remote", "r", "ollama/both"), "remote: r", "remote:r* remote:remote/ollama/both ollama:both ollama:l demo:demo",
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := model.Options{Demo: provider("demo", "demo"), DefaultModel: c.def, Unusable: chat.Errorf(chat.CodeNotConfigured, locked)}
			if c.remote != nil {
				o.Providers, o.Unusable = []model.Provider{c.remote}, nil
			}
			o.Local = &fakeDetector{running: []*fakeProvider{provider("ollama", "both", "l")}}
			r := model.NewRegistry(o)
			to, err := answered(t, r, "")
			if err != nil {
				to = err.Error()
			}
			if to != c.to {
				t.Errorf("without a name: %q, want %q", to, c.to)
			}
			list, _ := r.Models(t.Context(), nil) // the error is that of the provider
			if modeltest.FormatModels(list) != c.list {
				t.Errorf("%s, want %s", modeltest.FormatModels(list), c.list)
			}
			for _, m := range list {
				if to, err := answered(t, r, m.ID); err == nil && !strings.HasPrefix(to, m.Provider+": ") {
					t.Errorf("%s is listed as a model of %s, and leads to %q", m.ID, m.Provider, to)
				}
			}
		})
	}
}

// A message does not wait for a provider that does not list its models.
func TestASlowProviderIsAskedOnceInAWhile(t *testing.T) {
	t.Parallel()
	for name, asked := range map[string]string{"by prefix": "slow/m", "by a bare name": "m"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slow := provider("slow", "listed")
				slow.hangs = true
				r := model.NewRegistry(options(slow, provider("second", "z")))
				check := func(wait time.Duration, calls int) {
					t.Helper()
					began := time.Now()
					if err := r.CheckModel(t.Context(), asked, nil); err != nil {
						t.Error(err)
					}
					if time.Since(began) != wait || slow.asked != calls {
						t.Errorf("it took %s, want %s; asked %d times, want %d", time.Since(began), wait, slow.asked, calls)
					}
				}
				check(time.Second, 1)
				check(0, 1)
				<-time.NewTimer(time.Minute).C // in the bubble's time
				check(time.Second, 2)
			})
		})
	}
}

// Every list that comes ends the pause, whoever asked for it.
func TestAProviderThatListsIsNotSlowAnyMore(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(*testing.T, *model.Registry){
		"a list":             func(t *testing.T, r *model.Registry) { _, _ = r.Models(t.Context(), nil) },
		"the default model":  func(t *testing.T, r *model.Registry) { _, _ = answered(t, r, "") },
		"a name with prefix": func(t *testing.T, r *model.Registry) { _, _ = answered(t, r, "late/x") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				late := provider("late", "listed")
				late.hangs = true
				r := model.NewRegistry(options(late, provider("second", "z")))
				if err := r.CheckModel(t.Context(), "late/x", nil); err != nil {
					t.Fatal(err)
				}
				late.hangs = false
				ask(t, r)
				modeltest.WantCode(t, r.CheckModel(t.Context(), "late/x", nil), chat.CodeProviderModel, false)
			})
		})
	}
}

// A client that goes while the list is fetched does not make the provider slow.
func TestAClientThatGoesDoesNotMakeAProviderSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := provider("p", "listed")
		p.hangs = true
		r := model.NewRegistry(options(p, provider("second", "z")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := r.CheckModel(ctx, "p/x", nil); err != nil {
			t.Fatal(err)
		}
		p.hangs = false
		modeltest.WantCode(t, r.CheckModel(t.Context(), "p/x", nil), chat.CodeProviderModel, false)
	})
}

// The models of local servers can be chosen while the configured provider is down.
func TestAListWithoutTheConfiguredProvidersModels(t *testing.T) {
	t.Parallel()
	away := &fakeProvider{name: "remote", err: down()}
	empty := &fakeProvider{name: "remote"}
	noModels := chat.Errorf(chat.CodeProviderModel, "it has no models")
	for name, c := range map[string]struct {
		remote       *fakeProvider
		local        []*fakeProvider
		notice, code chat.Code
	}{
		"all is well":                  {remote: provider("remote", "r")},
		"down, with a local server":    {remote: away, local: []*fakeProvider{provider("ollama", "l")}, notice: chat.CodeProviderConnect},
		"down":                         {remote: away, code: chat.CodeProviderConnect},
		"it has no models":             {remote: empty, notice: chat.CodeProviderModel},
		"neither has, with local ones": {remote: empty, local: []*fakeProvider{provider("ollama", "l")}, notice: chat.CodeProviderModel},
	} {
		empty.empty = noModels
		r := model.NewRegistry(model.Options{
			Providers: []model.Provider{c.remote}, Demo: provider("demo", "demo"), DefaultModel: "ollama/l", Local: &fakeDetector{running: c.local, never: []string{"ollama"}},
		})
		list, notice, err := r.ModelsOrNotice(t.Context(), nil)
		got := chat.Code("")
		if notice != nil {
			got = notice.Code
		}
		if got != c.notice || c.code == "" && err != nil || c.code != "" && !chat.IsCode(err, c.code) {
			t.Errorf("%s: notice %v, error %v; want %q and %q", name, notice, err, c.notice, c.code)
		}
		if text := modeltest.FormatModels(list); !strings.HasSuffix(text, "demo:demo") || c.local != nil != strings.Contains(text, "ollama:l*") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
