package clients_test

import (
	"os"
	"testing"

	"chat/internal/clients"
)

func TestMain(m *testing.M) { os.Exit(clients.Main(m)) }

func TestNPMOpenAI(t *testing.T) {
	t.Parallel()
	clients.Start(t).Script(t, "openai.mjs")
}

func TestNPMOpenAIWebSocket(t *testing.T) {
	t.Parallel()
	clients.Start(t).Script(t, "openai-socket.mjs")
}

func TestNPMOpenAIWithFaults(t *testing.T) {
	t.Parallel()
	clients.StartCluster(t).Script(t, "openai-faults.mjs")
}

func TestNPMOpenAIAfterTheLogHasExpired(t *testing.T) {
	t.Parallel()
	clients.StartCluster(t, "CHUNK_TTL=1s").Script(t, "openai-expired.mjs")
}

func TestNPMWebSocket(t *testing.T) {
	t.Parallel()
	clients.Start(t).Script(t, "ws.mjs")
}
