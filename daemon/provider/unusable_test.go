package provider_test

import (
	"testing"

	"chat"
	"chat/daemon/provider"
)

func TestAProviderWithoutItsKeySaysWhyAndTheDemoGoesOn(t *testing.T) {
	t.Parallel()
	r := registry(t, provider.Config{
		Unusable: chat.Errorf(chat.CodeNotConfigured, "the keyring is locked"), Demo: provider.DemoOptions{TokensPerSecond: -1},
	})
	if g := read(t, t.Context(), r, ask("hello")); !chat.IsCode(g.err, chat.CodeNotConfigured) || g.err.Error() != "the keyring is locked" {
		t.Errorf("%q, %v", g.content, g.err)
	}
	req := ask("hello")
	req.Model = provider.DemoModel
	if g := read(t, t.Context(), r, req); g.err != nil || g.content == "" {
		t.Errorf("the demo: %v", g.err)
	}
}
