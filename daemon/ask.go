package daemon

import (
	"context"
	"log/slog"

	"chat"
	"chat/daemon/provider"
)

// providerConfig is what the settings say of the provider.
func (c Config) providerConfig() provider.Config {
	return provider.Config{
		BaseURL: c.ProviderURL, Key: c.ProviderKey, DefaultModel: c.DefaultModel, Discover: c.Discover,
		Unusable: c.KeyTrouble, Demo: demoOptions(c.DemoSpeed), Limits: c.limits(), Logger: c.Logger,
	}
}

// AskModels asks the provider of the settings for its models, as a daemon with these
// settings would.
func AskModels(ctx context.Context, c Config) ([]chat.Model, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	r := provider.New(c.providerConfig())
	defer r.Close()
	return r.Models(ctx, nil)
}

// CheckBaseURL refuses what can be no base URL of a provider.
func CheckBaseURL(base string) error { return provider.CheckBaseURL(base) }

// DefaultBaseURL is the provider that a key belongs to when no base URL is set.
const DefaultBaseURL = provider.DefaultBaseURL

// LocalServers are the names and addresses where servers on this machine are looked
// for when no provider is set.
func LocalServers() []string {
	var all []string
	for _, l := range provider.DefaultLocals() {
		all = append(all, l.Name+" ("+l.BaseURL+")")
	}
	return all
}
