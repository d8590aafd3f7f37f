package daemon

import (
	"cmp"
	"context"
	"strings"

	"chat"
	"chat/daemon/keyring"
	"chat/daemon/provider"
)

// HostOf is the host, and the port if it is given, of a provider's base URL; "" is OpenAI's.
func HostOf(baseURL string) string {
	return provider.HostOf(cmp.Or(baseURL, provider.DefaultBaseURL))
}

// TrimKey is a key without what was copied along with it: space, quotes, as a file of
// variables for Docker keeps them, and the word Bearer.
func TrimKey(key string) string {
	key = strings.TrimSpace(key)
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(key, quote); ok && strings.HasSuffix(inner, quote) {
			key = strings.TrimSpace(strings.TrimSuffix(inner, quote))
		}
	}
	return strings.TrimSpace(strings.TrimPrefix(key, "Bearer "))
}

// FetchKey takes the provider's key from the keyring, if the settings refer to
// one there. That it cannot be had does not keep a daemon from starting: what was
// said before can be read all the same, and what needs the key says why.
func (c *Config) FetchKey(ctx context.Context) {
	host, ok := keyring.Host(c.ProviderKey)
	if !ok {
		return
	}
	c.ProviderKey = ""
	if at := HostOf(c.ProviderURL); at != host {
		c.KeyTrouble = chat.Errorf(chat.CodeNotConfigured,
			"the key in the keyring is for %s, and the provider is %s: chat auth login --keyring keeps one for it", host, at)
		return
	}
	key, err := keyring.Get(ctx, host, keyring.Briefly)
	if err != nil {
		c.KeyTrouble = chat.Errorf(chat.CodeNotConfigured,
			"the provider's key is in the keyring, which cannot be read: %w; unlock it, and then chat daemon restart, or keep the key in a file with chat auth login", err)
		return
	}
	c.ProviderKey = key
}
