package external

import (
	"path/filepath"
	"testing"

	"chat/internal/clients"
	"chat/internal/services"
)

// page starts a chatd that allows the origin of a page, and returns it with the environment
// of a script that serves the page and drives a browser.
func page(t *testing.T) (*clients.Stand, []string) {
	t.Helper()
	address, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return clients.Start(t, "CHATD_ALLOW_ORIGIN=http://"+address),
		[]string{"PAGE_ADDRESS=" + address, "CHROMIUM=" + services.Tool(t, "chromium")}
}

func TestChromiumWebSocket(t *testing.T) {
	t.Parallel()
	s, env := page(t)
	s.ScriptWith(t, services.BrowserModules(t), "ws-chromium.mjs", env...)
}

func TestPythonWebSocket(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("js/ws_client.py")
	if err != nil {
		t.Fatal(err)
	}
	clients.Start(t).Run(t, []string{services.Python, script})
}
