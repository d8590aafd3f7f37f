package daemon_test

import (
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"chat"
	"chat/daemon"
)

func TestTheKeyComesFromTheKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere") // what is asked is a keyring in memory
	keyring.MockInit()
	if err := keyring.Set("chat", "openrouter.ai", "sk-or-1"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, url, want, trouble string }{
		"a key of its own":       {"sk-1", "", "sk-1", ""},
		"no key":                 {"", "", "", ""},
		"the keyring's":          {"keyring:openrouter.ai", "https://openrouter.ai/api/v1", "sk-or-1", ""},
		"one that is not there":  {"keyring:api.openai.com", "", "", "has no key"},
		"never of another place": {"keyring:openrouter.ai", "https://evil.example/v1", "", "the provider is evil.example"},
	} {
		cfg := daemon.Config{ProviderKey: c.key, ProviderURL: c.url}
		cfg.FetchKey(t.Context())
		if cfg.ProviderKey != c.want || (cfg.KeyTrouble == nil) != (c.trouble == "") {
			t.Errorf("%s: %q, %v", name, cfg.ProviderKey, cfg.KeyTrouble)
		}
		if c.trouble != "" && (!chat.IsCode(cfg.KeyTrouble, chat.CodeNotConfigured) || !strings.Contains(cfg.KeyTrouble.Error(), c.trouble)) {
			t.Errorf("%s: %v", name, cfg.KeyTrouble)
		}
	}
}

func TestAKeyIsTakenWithoutWhatWasCopiedAlong(t *testing.T) {
	for _, given := range []string{"sk-x", " sk-x\n", `"sk-x"`, `'sk-x'`, ` "sk-x" `, "Bearer sk-x", `"Bearer sk-x"`, `" sk-x "`} {
		if got := daemon.TrimKey(given); got != "sk-x" {
			t.Errorf("%q is taken as %q", given, got)
		}
	}
	for _, given := range []string{`"`, `sk-"x"`, `"sk-x`} {
		if got := daemon.TrimKey(given); got != given {
			t.Errorf("%q is taken as %q", given, got)
		}
	}
}
