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
	if at != nil {
		found = append(found, staleSettings(paths)...)
		models, err := p.askServer(ctx, *at)
		found = append(found, p.modelsFinding(models, err))
		if err == nil {
			found = append(found, p.keyFinding(ctx, cfg))
		}
		return found
	}
	models, err := daemon.AskModels(ctx, cfg)
	found = append(found, p.modelsFinding(models, err))
	if err == nil {
		found = append(found, p.keyFinding(ctx, cfg))
	}
	return found
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

// ownProvider is the provider of this environment.
func (p *program) ownProvider() string {
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

// askServer asks a server for its models.
func (p *program) askServer(ctx context.Context, at client.Endpoint) ([]chat.Model, error) {
	cl := client.New(client.At(at), client.Options{ProviderKey: p.env("OPENAI_API_KEY"), ProviderBaseURL: p.env("OPENAI_BASE_URL")})
	defer cl.Close()
	models, err := cl.Models(ctx)
	return models, p.explain(err)
}

// modelsFinding tells which models answer.
func (p *program) modelsFinding(models []chat.Model, err error) finding {
	if err != nil {
		return wrong("models", err)
	}
	chosen := ""
	for _, m := range models {
		if m.Default {
			chosen = m.ID
		}
	}
	if len(models) == 1 && models[0].ID == "demo" {
		return warning("models", "only the built-in demo: start Ollama, LM Studio or llama.cpp, or keep a key with chat auth login")
	}
	return good("models", "%s, %s by default", plural(len(models), "model"), cmp.Or(chosen, "none"))
}

// keyFinding says whether the provider has looked at the key: some list their models
// to everybody.
func (p *program) keyFinding(ctx context.Context, cfg daemon.Config) finding {
	if cfg.ProviderKey == "" {
		return skipped("key", "there is none to be tried")
	}
	cfg.ProviderKey, cfg.ProviderURL = "", cmp.Or(cfg.ProviderURL, daemon.DefaultBaseURL)
	if _, err := daemon.AskModels(ctx, cfg); err == nil {
		return skipped("key", "not tried: the provider lists its models without one, and a message costs money")
	}
	return good("key", "the provider takes it")
}
