package doctor

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/keyring"
	"chat/daemon/local"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

// settingSource returns the source of a setting of the local daemon.
func (p *Checker) settingSource(f *settings.File, key, variable string) string {
	if v, ok := p.LocalLookup(variable); ok && v != "" {
		return "$" + variable
	}
	if e, ok := f.Find(key); ok && e.Plain() != "" {
		if _, elsewhere := keyring.Host(e.Plain()); elsewhere {
			return "the keyring"
		}
		return filepath.Base(f.Path)
	}
	return "the default"
}

// provider checks the provider and its settings: through the daemon at at, or directly
// if at is nil.
func (p *Checker) provider(ctx context.Context, at *client.Endpoint) []Finding {
	paths, err := local.FindPaths(p.Lookup)
	if err != nil {
		return nil // already reported
	}
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return []Finding{skipped("provider", "not checked: the settings cannot be read")}
	}
	cfg, err := daemon.LoadConfig(p.LocalLookup, daemon.Sources{ConfigFile: paths.ConfigFile()})
	if err != nil {
		return []Finding{wrong("provider", chat.Errorf(chat.CodeOf(err), "not checked: %w", err))}
	}
	cfg.FetchKey(ctx)
	found := []Finding{p.providerFinding(cfg, f)}
	check, named := daemon.CheckProviders(ctx, cfg)
	for i, c := range named {
		found = append(found, namedFinding(c, cfg.Named[i]))
	}
	if at != nil {
		found = append(found, staleSettings(paths)...)
		found = append(found, p.serverModels(ctx, *at))
	} else {
		found = append(found, modelsFinding(check))
	}
	return append(found, keyFinding(check)...)
}

// providerFinding names the provider and the sources of its settings.
func (p *Checker) providerFinding(cfg daemon.Config, f *settings.File) Finding {
	if cfg.KeyTrouble != nil {
		return wrong("provider", cfg.KeyTrouble)
	}
	if cfg.ProviderURL == "" && cfg.ProviderKey == "" {
		if !cfg.Discover {
			return skipped("provider", "none is set, and chat does not search for local servers (discover is off in %s)", p.settingSource(f, "discover", "CHAT_DISCOVER"))
		}
		return good("provider", "none is set; searched for %s", strings.Join(daemon.LocalServers(), ", "))
	}
	base := cmp.Or(cfg.ProviderURL, daemon.DefaultBaseURL)
	if err := daemon.CheckBaseURL(base); err != nil {
		return wrong("provider", chat.Errorf(chat.CodeInvalid, "base_url (from %s): %w", p.settingSource(f, "base_url", "OPENAI_BASE_URL"), err))
	}
	key := "without a key"
	if cfg.ProviderKey != "" {
		key = fmt.Sprintf("key %s (from %s)", settings.Mask(cfg.ProviderKey), p.settingSource(f, "api_key", "OPENAI_API_KEY"))
	}
	model := ""
	if cfg.DefaultModel != "" {
		model = fmt.Sprintf(", model %s (from %s)", cfg.DefaultModel, p.settingSource(f, "model", "CHAT_MODEL"))
	}
	return good("provider", "%s (from %s), %s%s", settings.WithoutSecrets(base), p.settingSource(f, "base_url", "OPENAI_BASE_URL"), key, model)
}

// namedFinding describes a provider with a name of its own.
func namedFinding(c daemon.ProviderCheck, p daemon.NamedProvider) Finding {
	what := "provider " + p.Name
	if c.Outcome != nil {
		return wrong(what, c.Outcome)
	}
	key := "without a key"
	if p.Key != "" {
		key = "key " + settings.Mask(p.Key) + " accepted"
	}
	models := output.Plural(c.Models, "model")
	if c.Default != "" {
		models += ", " + c.Default + " by default"
	}
	return good(what, "%s, %s, %s", settings.WithoutSecrets(p.BaseURL), key, models)
}

// shellProvider describes the provider of this environment.
func (p *Checker) shellProvider() string {
	key := "without a key"
	if k := p.Env("OPENAI_API_KEY"); k != "" {
		key = "key " + settings.Mask(k) + " (from $OPENAI_API_KEY)"
	}
	if base := p.Env("OPENAI_BASE_URL"); base != "" {
		return settings.WithoutSecrets(base) + " (from $OPENAI_BASE_URL), " + key
	}
	return daemon.DefaultBaseURL + ", " + key
}

// staleSettings warns if the settings changed after the daemon started.
func staleSettings(paths local.Paths) []Finding {
	began, err := os.Stat(filepath.Join(paths.Data, "daemon.json"))
	if err != nil {
		return nil
	}
	changed, err := os.Stat(paths.ConfigFile())
	if err != nil || !changed.ModTime().After(began.ModTime()) {
		return nil
	}
	return []Finding{warning("settings", "%s was changed after the daemon started: run chat daemon restart", paths.ConfigFile())}
}

// serverModels checks the models of a server.
func (p *Checker) serverModels(ctx context.Context, at client.Endpoint) Finding {
	own, err := p.ClientOptions()
	if err != nil {
		return wrong("models", err)
	}
	cl := client.New(client.At(at), own)
	defer cl.Close()
	models, notice, err := cl.ModelsWithNotice(ctx)
	switch {
	case err != nil:
		return wrong("models", p.Explain(err))
	case notice != nil:
		return wrong("models", p.Explain(notice))
	}
	check := daemon.ProviderCheck{All: models}
	for _, m := range models {
		if m.Default {
			check.Default, check.Unlisted = m.ID, m.Unlisted
		}
	}
	return modelsFinding(check)
}

// modelsFinding describes the available models.
func modelsFinding(c daemon.ProviderCheck) Finding {
	count := countModels(c.All)
	switch {
	case c.Outcome != nil && c.Outcome.Code != chat.CodeProviderAuth:
		return wrong("models", c.Outcome)
	case count == "" && c.Outcome == nil:
		return warning("models", "only the built-in demo: start Ollama, LM Studio or llama.cpp, or store a key with chat auth login")
	case count == "":
		return skipped("models", "not listed: the provider rejected the key")
	case c.Unlisted:
		return warning("models", "%s", listing.UnlistedDefault(c.Default))
	}
	return good("models", "%s, %s by default", count, cmp.Or(c.Default, "none"))
}

// countModels counts models by provider, as in "2 models of openai and 1 of ollama", or
// "2 models" if all are of one. It returns "" if there are none but the demo.
func countModels(models []chat.Model) string {
	var providers []string
	count := map[string]int{}
	for _, m := range models {
		if m.ID == daemon.DemoModel {
			continue
		}
		if count[m.Provider]++; count[m.Provider] == 1 {
			providers = append(providers, m.Provider)
		}
	}
	var texts []string
	for i, p := range providers {
		switch {
		case len(providers) == 1:
			return output.Plural(count[p], "model")
		case i == 0:
			texts = append(texts, output.Plural(count[p], "model")+" of "+p)
		default:
			texts = append(texts, fmt.Sprintf("%d of %s", count[p], p))
		}
	}
	return strings.Join(texts, " and ")
}

// keyFinding reports whether the provider accepts the key. It returns nil if that is unknown.
func keyFinding(c daemon.ProviderCheck) []Finding {
	switch {
	case c.Outcome != nil && c.Outcome.Code == chat.CodeProviderAuth:
		return []Finding{wrong("key", c.Outcome)}
	case c.Outcome != nil:
		return nil
	case c.Key == "":
		return []Finding{skipped("key", "not checked: there is no key")}
	}
	return []Finding{good("key", "the provider accepts it")}
}
