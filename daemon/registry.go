package daemon

import (
	"context"
	"log/slog"
	"time"

	"chat"
	"chat/daemon/provider"
)

// newRegistry makes the registry of models. A base URL that cannot be used ends a
// server at its start; a local daemon starts, because what was said before can be
// read all the same, and says it in its log and to whoever needs a provider.
func newRegistry(cfg Config, pause func() time.Duration, log *slog.Logger) (*provider.Registry, error) {
	pc := provider.Config{
		BaseURL: cfg.ProviderURL, Key: cfg.ProviderKey, Sources: cfg.ProviderFrom, DefaultModel: cfg.DefaultModel, Discover: cfg.Discover,
		Unusable: cfg.KeyTrouble, Demo: demoOptions(cfg.DemoSpeed), Limits: cfg.limits(), Pause: pause, Logger: log,
	}
	if cfg.ProviderCA != "" {
		var err error
		if pc.Authorities, err = provider.LoadAuthorities(cfg.ProviderCA); err != nil {
			return nil, chat.Errorf(chat.CodeInvalid, "the provider's certificate authorities: %w; correct ca_file (CHATD_PROVIDER_CA_FILE)", err)
		}
	}
	registry := provider.New(pc)
	if err := registry.Unusable(); err != nil && cfg.ProviderURL != "" && cfg.KeyTrouble == nil {
		if !cfg.Local {
			return nil, err
		}
		log.Error("no provider can be asked", "err", err)
	}
	return registry, nil
}

// ProviderCheck is what was found out about a provider, for diagnostics.
type ProviderCheck = provider.Check

// CheckProvider asks the provider that the settings name whether it answers, for
// diagnostics.
func CheckProvider(ctx context.Context, cfg Config) ProviderCheck {
	registry, err := newRegistry(cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return ProviderCheck{Outcome: chat.AsError(err)}
	}
	defer registry.Close()
	return registry.Check(ctx, nil)
}
