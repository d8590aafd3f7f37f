package main

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
)

// origin is where a setting of the local daemon comes from.
func (p *program) origin(f *configFile, key, variable string) string {
	if v, ok := p.localLookup(variable); ok && v != "" {
		return "$" + variable
	}
	if e, ok := f.find(key); ok && e.plain() != "" {
		if _, elsewhere := keyring.Host(e.plain()); elsewhere {
			return "the keyring"
		}
		return filepath.Base(f.path)
	}
	return "the default"
}

// provider tells which provider is meant and by which settings, and asks it: by way
// of the daemon at a place, or else as a daemon would.
func (p *program) provider(ctx context.Context, at *client.Endpoint) []finding {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return nil // it has been said
	}
	f, err := p.config()
	if err != nil {
		return []finding{skipped("provider", "not asked: the settings cannot be read")}
	}
	cfg, err := daemon.LoadConfig(p.localLookup, daemon.Sources{ConfigFile: paths.ConfigFile()})
	if err != nil {
		return []finding{wrong("provider", chat.Errorf(chat.CodeOf(err), "not asked: %w", err))}
	}
	cfg.FetchKey(ctx)
	found := []finding{p.providerFinding(cfg, f)}
	check := daemon.CheckProvider(ctx, cfg)
	if at != nil {
		found = append(found, staleSettings(paths)...)
		found = append(found, p.serverModels(ctx, *at))
	} else {
		found = append(found, modelsFinding(check))
	}
	return append(found, keyFinding(check)...)
}

// providerFinding names the provider and where its settings stand.
func (p *program) providerFinding(cfg daemon.Config, f *configFile) finding {
	if cfg.KeyTrouble != nil {
		return wrong("provider", cfg.KeyTrouble)
	}
	if cfg.ProviderURL == "" && cfg.ProviderKey == "" {
		if !cfg.Discover {
			return skipped("provider", "none is set, and local servers are not looked for (discover is off, by %s)", p.origin(f, "discover", "CHAT_DISCOVER"))
		}
		return good("provider", "none is set; looked for %s", strings.Join(daemon.LocalServers(), ", "))
	}
	base := cmp.Or(cfg.ProviderURL, daemon.DefaultBaseURL)
	if err := daemon.CheckBaseURL(base); err != nil {
		return wrong("provider", chat.Errorf(chat.CodeInvalid, "base_url (from %s): %w", p.origin(f, "base_url", "OPENAI_BASE_URL"), err))
	}
	key := "without a key"
	if cfg.ProviderKey != "" {
		key = fmt.Sprintf("key %s (from %s)", masked(cfg.ProviderKey), p.origin(f, "api_key", "OPENAI_API_KEY"))
	}
	model := ""
	if cfg.DefaultModel != "" {
		model = fmt.Sprintf(", model %s (from %s)", cfg.DefaultModel, p.origin(f, "model", "CHAT_MODEL"))
	}
	return good("provider", "%s (from %s), %s%s", withoutSecrets(base), p.origin(f, "base_url", "OPENAI_BASE_URL"), key, model)
}

// shellProvider is the provider of this environment.
func (p *program) shellProvider() string {
	key := "without a key"
	if k := p.env("OPENAI_API_KEY"); k != "" {
		key = "key " + masked(k) + " (from $OPENAI_API_KEY)"
	}
	if base := p.env("OPENAI_BASE_URL"); base != "" {
		return withoutSecrets(base) + " (from $OPENAI_BASE_URL), " + key
	}
	return daemon.DefaultBaseURL + ", " + key
}

// staleSettings says that a daemon has not read the settings as they are now.
func staleSettings(paths local.Paths) []finding {
	began, err := os.Stat(filepath.Join(paths.Data, "daemon.json"))
	if err != nil {
		return nil
	}
	changed, err := os.Stat(paths.ConfigFile())
	if err != nil || !changed.ModTime().After(began.ModTime()) {
		return nil
	}
	return []finding{warning("settings", "%s was changed after the daemon had started: chat daemon restart", paths.ConfigFile())}
}

// serverModels tells which models a server has.
func (p *program) serverModels(ctx context.Context, at client.Endpoint) finding {
	own, err := p.ownProvider()
	if err != nil {
		return wrong("models", err)
	}
	cl := client.New(client.At(at), own)
	defer cl.Close()
	models, notice, err := cl.ModelsWithNotice(ctx)
	switch {
	case err != nil:
		return wrong("models", p.explain(err))
	case notice != "":
		return wrong("models", chat.Errorf(chat.CodeProviderModel, "%s", notice))
	}
	check := daemon.ProviderCheck{Models: len(models) - 1} // without the demo
	for _, m := range models {
		if m.Default {
			check.Default, check.Unlisted = m.ID, m.Unlisted
		}
	}
	return modelsFinding(check)
}

// modelsFinding tells which models answer.
func modelsFinding(c daemon.ProviderCheck) finding {
	switch {
	case c.Outcome != nil && c.Outcome.Code != chat.CodeProviderAuth:
		return wrong("models", c.Outcome)
	case c.Models <= 0 && c.Outcome == nil:
		return warning("models", "only the built-in demo: start Ollama, LM Studio or llama.cpp, or keep a key with chat auth login")
	case c.Models <= 0:
		return skipped("models", "not listed: the key is refused")
	case c.Unlisted:
		return warning("models", "%s", unlisted(c.Default))
	}
	return good("models", "%s, %s by default", plural(c.Models, "model"), cmp.Or(c.Default, "none"))
}

// unlisted says that the default model may not exist.
func unlisted(model string) string {
	return fmt.Sprintf("the default model, %s, is none that the provider lists: check its name (chat models), or set another one (chat config set model NAME)", model)
}

// keyFinding says whether the provider takes the key, nothing if it could not be asked.
func keyFinding(c daemon.ProviderCheck) []finding {
	switch {
	case c.Outcome != nil && c.Outcome.Code == chat.CodeProviderAuth:
		return []finding{wrong("key", c.Outcome)}
	case c.Outcome != nil:
		return nil
	case c.Key == "":
		return []finding{skipped("key", "there is none to be tried")}
	}
	return []finding{good("key", "the provider takes it")}
}
