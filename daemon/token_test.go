package daemon_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
)

// overTCP is a daemon that listens on a port of its own besides its socket.
func overTCP(t *testing.T, dir, token string) (*running, string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := usual(dir)
	cfg.Listener, cfg.Token = l, token
	return start(t, cfg), "http://" + l.Addr().String()
}

func status(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func TestTheTokenFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	path := filepath.Join(dir, "token")
	var tokens []string
	for range 2 {
		r, url := overTCP(t, dir, "")
		fi, err := os.Stat(path)
		if r.must(err); fi.Mode().Perm() != 0o600 {
			t.Errorf("the token file is %s", fi.Mode())
		}
		data, err := os.ReadFile(path)
		r.must(err)
		token := strings.TrimSpace(string(data))
		tokens = append(tokens, token)
		for given, want := range map[string]int{"": 401, token + "x": 401, token[:len(token)-1]: 401, token: 200} {
			if got := status(t, url+"/tasks", given); got != want {
				t.Errorf("token %q: %d, want %d", given, got, want)
			}
		}
		if got := status(t, url+"/healthz", ""); got != 200 {
			t.Errorf("/healthz: %d", got)
		}
		r.stop()
		if err := r.ended(); err != nil {
			t.Error(err)
		}
	}
	if tokens[0] != tokens[1] || !strings.HasPrefix(tokens[0], "chat_") || len(tokens[0]) < 40 {
		t.Errorf("tokens %q", tokens)
	}
}

func TestATokenOfTheEnvironmentMakesNoFile(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	const token = "a-token-of-somebody-s-own"
	_, url := overTCP(t, dir, token)
	if got := status(t, url+"/tasks", token); got != 200 {
		t.Errorf("%d", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "token")); err == nil {
		t.Error("a token file was made all the same")
	}
}

func TestASocketNeedsNoToken(t *testing.T) {
	t.Parallel()
	dir := directory(t)
	r := start(t, usual(dir))
	if _, err := r.Tasks(t.Context(), chat.TaskQuery{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "token")); err == nil {
		t.Error("a token file was made for nothing")
	}
}
