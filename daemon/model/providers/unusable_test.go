package providers_test

import (
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/demo"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestAProviderWithoutItsKeySaysWhyAndTheDemoGoesOn(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, providers.Config{
		Unusable: chat.Errorf(chat.CodeNotConfigured, "the keyring is locked"), Demo: demo.Options{TokensPerSecond: -1},
	})
	if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); !chat.IsCode(g.Err, chat.CodeNotConfigured) || g.Err.Error() != "the keyring is locked" {
		t.Errorf("%q, %v", g.Content, g.Err)
	}
	req := modeltest.Ask("hello")
	req.Model = model.DemoModel
	if g := modeltest.Collect(t.Context(), t, r, req); g.Err != nil || g.Content == "" {
		t.Errorf("the demo: %v", g.Err)
	}
}
