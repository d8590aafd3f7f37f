package daemon_test

import (
	"context"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql/sqltest"
)

// A network that drops packets must not keep a daemon from ending.
func TestADaemonEndsThoughTheDatabaseIsSilent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*running){
		"when it is told twice": func(r *running) { r.stop(); r.kill() },
		"when it is told once":  func(r *running) { r.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := sqltest.NewProxy(t, services.Postgres(t))
			cfg := usual(directory(t))
			cfg.Local, cfg.DatabaseURL, cfg.DemoSpeed, cfg.Drain = false, proxy.URL, 5, time.Second
			r := start(t, cfg)
			acc := r.submit("hello")
			followed, cancel := context.WithCancel(t.Context())
			defer cancel()
			for u, err := range r.Follow(followed, acc.TaskID, chat.Start()) {
				r.must(err)
				if u.Chunk != nil {
					break // it is being made
				}
			}
			proxy.FreezeAll()
			began := time.Now()
			end(r)
			if err := r.ended(); err != nil {
				t.Error(err)
			}
			t.Logf("it took %s", time.Since(began))
		})
	}
}
