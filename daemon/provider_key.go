package daemon

import (
	"cmp"
	"context"
	"strings"

	"chat"
	"chat/daemon/keyring"
	"chat/daemon/model/network"
	"chat/daemon/model/openai"
)

// HostOf is the host of a provider's base URL, with the port if the URL has one. An empty
// base URL is OpenAI's.
func HostOf(baseURL string) string {
	return network.HostOf(cmp.Or(baseURL, openai.DefaultBaseURL))
}

// TrimKey removes what was copied along with a key: space, quotes, which Docker's files of
// variables keep, and the word Bearer.
func TrimKey(key string) string {
	key = strings.TrimSpace(key)
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(key, quote); ok && strings.HasSuffix(inner, quote) {
			key = strings.TrimSpace(strings.TrimSuffix(inner, quote))
		}
	}
	return strings.TrimSpace(strings.TrimPrefix(key, "Bearer "))
}

// FetchKey reads the providers' keys from the keyring, if the settings refer to it. If
// that fails, the daemon still starts, because stored conversations can be read; the error
// is returned to whatever needs the key.
func (c *Config) FetchKey(ctx context.Context) {
	if host, ok := keyring.Host(c.ProviderKey); ok {
		c.ProviderKey = ""
		if at := HostOf(c.ProviderURL); at != host {
			c.KeyTrouble = chat.Errorf(chat.CodeNotConfigured,
				"the key in the keyring is for %s, and the provider is %s: chat auth login --keyring keeps one for it", host, at)
		} else {
			c.ProviderKey, c.KeyTrouble = fromKeyring(ctx, host)
		}
	}
	for i := range c.Named {
		if entry, ok := keyring.Host(c.Named[i].Key); ok {
			c.Named[i].Key, c.Named[i].Trouble = fromKeyring(ctx, entry)
		}
	}
}

// fromKeyring reads a key.
func fromKeyring(ctx context.Context, entry string) (string, error) {
	key, err := keyring.Get(ctx, entry, keyring.Briefly)
	if err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured,
			"the provider's key is in the keyring, which cannot be read: %w; unlock it, and then chat daemon restart, or keep the key in a file with chat auth login", err)
	}
	return key, nil
}
