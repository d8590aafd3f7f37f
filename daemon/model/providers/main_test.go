package providers_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"chat/daemon/model/demo"
	"chat/daemon/model/local"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/providers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newFake returns a fake provider and a registry that is configured for it.
func newFake(t *testing.T, edit ...func(*providers.Config)) (*modeltest.Server, *providers.Registry) {
	t.Helper()
	server := modeltest.New(t)
	cfg := providers.Config{BaseURL: server.URL, Key: modeltest.Key, DefaultModel: "lying"}
	for _, e := range edit {
		e(&cfg)
	}
	return server, newRegistry(t, cfg)
}

func newRegistry(t *testing.T, cfg providers.Config) *providers.Registry {
	t.Helper()
	r := providers.New(cfg)
	t.Cleanup(r.Close)
	return r
}

func withLocal(servers ...local.Server) providers.Config {
	return providers.Config{
		Discover: true, Demo: demo.Options{TokensPerSecond: -1},
		Local: local.Options{Servers: servers, Budget: 5 * time.Second, MaxAge: time.Hour},
	}
}
