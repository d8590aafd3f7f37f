package keys

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

// Login are the arguments of auth login.
type Login struct {
	Name    string // of a provider with a name of its own, or ""
	BaseURL string // "" keeps the one that is set or known
	Kind    string // one of daemon.Kinds; "" keeps the one that is set or known
	Keyring bool   // store the key there
	NoKey   bool   // the provider needs none
	NoCheck bool   // do not ask the provider
}

// Login reads and stores a key.
func (p *Keeper) Login(ctx context.Context, in Login) error {
	if strings.HasPrefix(in.Name, "sk-") || len(in.Name) > daemon.MaxProviderName {
		return chat.Errorf(chat.CodeInvalid, "this looks like a key, which others can see on a command line: a key is read from the terminal or stdin")
	}
	if in.Name != "" {
		if what := daemon.ProviderNameProblem(in.Name); what != "" {
			return chat.Errorf(chat.CodeInvalid, "%s", what)
		}
	}
	if in.NoKey && (in.Name == "" || in.Keyring) {
		return chat.Errorf(chat.CodeInvalid, "--no-key needs the name of a provider, and excludes --keyring")
	}
	if in.Kind != "" && in.Name == "" {
		return chat.Errorf(chat.CodeInvalid, "--kind needs the name of a provider")
	}
	if in.Kind != "" && !slices.Contains(daemon.Kinds(), in.Kind) {
		return chat.Errorf(chat.CodeInvalid, "unknown kind %q: use %s", in.Kind, strings.Join(daemon.Kinds(), " or "))
	}
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	key := ""
	if !in.NoKey {
		if key, err = p.read(ctx); err != nil {
			return err
		}
	}
	running, err := p.server.Running(ctx)
	if err != nil {
		return err
	}
	if err := p.store(ctx, f, in, key); err != nil {
		return err
	}
	if running {
		return p.server.NoteRestart(ctx)
	}
	return p.server.Stop(ctx) // the check has started it, with the settings before
}

// store checks a key unless it shall not, and stores it.
func (p *Keeper) store(ctx context.Context, f *settings.File, in Login, key string) error {
	if !in.NoCheck {
		if err := p.check(ctx, f, in, key); err != nil {
			return err
		}
	}
	if in.Name != "" {
		return p.keepNamed(ctx, f, in, key)
	}
	if err := p.keep(ctx, f, key, in.BaseURL, in.Keyring); err != nil {
		return err
	}
	if p.Env("OPENAI_API_KEY") != "" {
		p.Infof("OPENAI_API_KEY is set and overrides this key")
	}
	return nil
}

// check asks the provider whether it accepts a key.
func (p *Keeper) check(ctx context.Context, f *settings.File, in Login, key string) error {
	if in.Name == "" {
		return p.try(ctx, client.Options{ProviderKey: key, ProviderBaseURL: cmp.Or(in.BaseURL, p.configured(f, "base_url"))})
	}
	kind := cmp.Or(in.Kind, plainField(f, in.Name, "kind"), daemon.KnownKind(in.Name))
	base := cmp.Or(in.BaseURL, plainField(f, in.Name, "base_url"), daemon.DefaultBaseURLOf(in.Name, kind))
	if base == "" {
		return chat.Errorf(chat.CodeInvalid, "the provider %q needs --base-url, for example: --base-url https://llm.example.com/v1", in.Name)
	}
	return p.try(ctx, client.Options{ProviderKey: key, ProviderBaseURL: base, ProviderKind: kind})
}

// plainField returns a field of a named provider in the file, or "".
func plainField(f *settings.File, name, field string) string {
	e, _ := f.Find(daemon.ProvidersTable + "." + name + "." + field)
	return e.Plain()
}

// unnamed stands in lists for the provider of OPENAI_API_KEY and OPENAI_BASE_URL, or of
// api_key and base_url in the file.
const unnamed = "default"

// List writes the providers and their keys.
func (p *Keeper) List(ctx context.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	var rows [][]string
	base := cmp.Or(p.configured(f, "base_url"), daemon.DefaultBaseURL)
	if key := p.Env("OPENAI_API_KEY"); key != "" {
		rows = append(rows, []string{unnamed, base, settings.Mask(key), "$OPENAI_API_KEY"})
	}
	if e, ok := f.Find("api_key"); ok && e.Plain() != "" {
		rows = append(rows, p.row(ctx, unnamed, base, e.Plain(), f.Path))
	}
	named, err := p.named(f)
	if err != nil {
		return err
	}
	if key := p.Env(daemon.AnthropicKeyVariable); key != "" && !slices.ContainsFunc(named, func(n daemon.NamedProvider) bool { return n.Name == daemon.KindAnthropic && n.Key != "" }) {
		base := cmp.Or(p.Env(daemon.AnthropicURLVariable), daemon.DefaultBaseURLOf(daemon.KindAnthropic, daemon.KindAnthropic))
		rows = append(rows, []string{daemon.KindAnthropic, base, settings.Mask(key), "$" + daemon.AnthropicKeyVariable})
		named = slices.DeleteFunc(named, func(n daemon.NamedProvider) bool { return n.Name == daemon.KindAnthropic })
	}
	for _, n := range named {
		rows = append(rows, p.row(ctx, n.Name, n.BaseURL, n.Key, f.Path))
	}
	if len(rows) == 0 {
		p.Infof("there is no key: store one with chat auth login")
		return nil
	}
	return output.WriteTable(p.Out, []output.Column{{Head: "PROVIDER"}, {Head: "BASE URL", MinWidth: 12}, {Head: "KEY"}, {Head: "FROM", MinWidth: 12}}, rows)
}

// Logout deletes the key of the provider without a name, or the provider with that name.
func (p *Keeper) Logout(ctx context.Context, name string) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	if name != "" {
		if err := p.forgetNamed(ctx, f, name); err != nil {
			return err
		}
		p.Infof("deleted the provider %s and its key", name)
		return p.server.NoteRestart(ctx)
	}
	e, ok := f.Find("api_key")
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "there is no key in %s", f.Path)
	}
	if err := f.Write(f.With("api_key", "")); err != nil {
		return err
	}
	if err := p.forget(ctx, e.Plain()); err != nil {
		return err
	}
	p.Infof("deleted the key")
	if p.Env("OPENAI_API_KEY") != "" {
		p.Infof("OPENAI_API_KEY is still set")
	}
	return p.server.NoteRestart(ctx)
}
