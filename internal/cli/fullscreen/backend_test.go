package fullscreen

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/settings"
)

// The screen shows whatever /readyz says of Redis, in its words.
func TestTheScreenIsToldWhatIsWrongWithRedis(t *testing.T) {
	for redis, want := range map[string]string{
		"ok":               "",
		"":                 "",
		"down":             "Redis is down; answers continue",
		"read-only":        "Redis: read-only; answers continue",
		"no subscriptions": "Redis: no subscriptions; answers continue",
		"no memory left":   "Redis: no memory left; answers continue",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				http.NotFound(w, r)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"status":"ready","redis":%q}`, redis)
		}))
		cl := client.New(client.At(client.Endpoint{Network: "tcp", Address: server.Listener.Addr().String()}), client.Options{})
		got, err := NewBackend(cl, answer.Submission{}, settings.Failover{}).Degraded(t.Context())
		if err != nil || got != want {
			t.Errorf("redis %q: %q, %v; want %q", redis, got, err, want)
		}
		cl.Close()
		server.Close()
	}
}
