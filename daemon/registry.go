package daemon

import (
	"context"
	"crypto/x509"
	"log/slog"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/network"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// newRegistry returns the registry of models. A base URL that cannot be used ends a server
// at its start. A local daemon starts, because stored conversations can still be read; it
// logs the error and returns it to every request that needs a provider.
func newRegistry(cfg Config, flow transport.FlowControl, limit model.Limiter, log *slog.Logger) (*providers.Registry, error) {
	settings := providers.Config{
		BaseURL: cfg.ProviderURL, Key: cfg.ProviderKey, API: cfg.ProviderAPI, Sources: cfg.ProviderFrom, DefaultModel: cfg.DefaultModel, Discover: cfg.Discover,
		Unusable: cfg.KeyTrouble, Demo: demoOptions(cfg.DemoSpeed), Limits: cfg.limits(), Flow: flow, Limiter: limit, Logger: log,
	}
	var err error
	if settings.Authorities, err = authorities(cfg.ProviderCA, "ca_file (CHATD_PROVIDER_CA_FILE)"); err != nil {
		return nil, err
	}
	for _, p := range cfg.Named {
		named := providers.Named{
			Name: p.Name, Kind: p.Kind, BaseURL: p.BaseURL, Key: p.Key, API: p.API, DefaultModel: p.Model, Headers: p.Headers, Sources: p.From, Unusable: p.Trouble,
		}
		if named.Authorities, err = authorities(p.CAFile, "ca_file of ["+ProvidersTable+"."+p.Name+"]"); err != nil {
			return nil, err
		}
		settings.Named = append(settings.Named, named)
	}
	registry := providers.New(settings)
	if err := registry.Unusable(); err != nil && cfg.ProviderURL != "" && cfg.KeyTrouble == nil {
		if !cfg.Local {
			return nil, err
		}
		log.Error("no provider can be asked", "err", err)
	}
	return registry, nil
}

// ProviderCheck is the diagnosis of a provider.
type ProviderCheck = model.Check

// CheckProviders asks the default provider and each named one whether it answers.
func CheckProviders(ctx context.Context, cfg Config) (byDefault ProviderCheck, named []ProviderCheck) {
	registry, err := newRegistry(cfg, nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return ProviderCheck{Outcome: chat.AsError(err)}, nil
	}
	defer registry.Close()
	return registry.Check(ctx, nil), registry.CheckNamed(ctx)
}

// authorities reads a file of certificate authorities; nil without one.
func authorities(file, setting string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pool, err := network.LoadAuthorities(file)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "the provider's certificate authorities cannot be read (%w): correct %s", err, setting)
	}
	return pool, nil
}
