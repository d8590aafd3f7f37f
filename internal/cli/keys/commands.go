package keys

import (
	"cmp"
	"context"
	"strings"

	"chat"
	"chat/daemon"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

// Login are the arguments of auth login.
type Login struct {
	Name    string // of a provider with a name of its own, or ""
	BaseURL string // "" keeps the one that is set or known
	Keyring bool   // store the key there
	NoKey   bool   // the provider needs none
	NoCheck bool   // do not ask the provider
}

// Login reads and stores a key.
func (p *Keeper) Login(ctx context.Context, in Login) error {
	if strings.HasPrefix(in.Name, "sk-") || len(in.Name) > daemon.MaxProviderName {
		return chat.Errorf(chat.CodeInvalid, "this looks like a key, which others can see on a command line: a key is read from the terminal or stdin")
	}
	if in.NoKey && (in.Name == "" || in.Keyring) {
		return chat.Errorf(chat.CodeInvalid, "--no-key needs the name of a provider, and excludes --keyring")
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
	if !in.NoCheck {
		if err := p.check(ctx, f, in, key); err != nil {
			return err
		}
	}
	if in.Name != "" {
		err = p.keepNamed(ctx, f, in, key)
	} else {
		err = p.keep(ctx, f, key, in.BaseURL, in.Keyring)
	}
	if err != nil {
		return err
	}
	if in.Name == "" && p.Env("OPENAI_API_KEY") != "" {
		p.Infof("OPENAI_API_KEY is set and overrides this key")
	}
	return p.server.NoteRestart(ctx)
}

// check asks the provider whether it accepts a key.
func (p *Keeper) check(ctx context.Context, f *settings.File, in Login, key string) error {
	if in.Name == "" {
		return p.try(ctx, key, cmp.Or(in.BaseURL, p.configured(f, "base_url")))
	}
	e, _ := f.Find(daemon.ProvidersTable + "." + in.Name + ".base_url")
	base := cmp.Or(in.BaseURL, e.Plain(), daemon.KnownBaseURL(in.Name))
	if base == "" {
		return chat.Errorf(chat.CodeInvalid, "the provider %q needs --base-url, for example: --base-url https://llm.example.com/v1", in.Name)
	}
	return p.try(ctx, key, base)
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
