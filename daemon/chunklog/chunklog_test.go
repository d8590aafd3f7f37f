package chunklog_test

import (
	"testing"

	"chat/daemon/chunklog/chunklogtest"
	"chat/daemon/embedded"
	"chat/internal/leaks"
	"chat/internal/services"
)

func TestMain(m *testing.M) { leaks.Verify(m) }

func TestEmbedded(t *testing.T) {
	chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
		engine, err := embedded.Start(embedded.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close() })
		return chunklogtest.Engine{Client: client(t, engine.Options())}
	})
}

func TestRedis(t *testing.T) {
	chunklogtest.Run(t, func(t *testing.T) chunklogtest.Engine {
		server := services.StartRedis(t)
		admin := client(t, server.Options())
		return chunklogtest.Engine{
			Client: client(t, server.Options()),
			KillConnections: func(t *testing.T) {
				t.Helper()
				for _, kind := range []string{"pubsub", "normal"} {
					if err := admin.ClientKillByFilter(t.Context(), "TYPE", kind, "SKIPME", "yes").Err(); err != nil {
						t.Fatal(err)
					}
				}
			},
			RefuseWrites: func(t *testing.T, refuse bool) {
				t.Helper()
				limit := "0" // none
				if refuse {
					limit = "1"
				}
				if err := admin.ConfigSet(t.Context(), "maxmemory", limit).Err(); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
