package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestSIGHUPReadsTheTokenAndTheLogLevelAgain(t *testing.T) {
	t.Parallel()
	dir, address := own(t), free(t)
	file, config := filepath.Join(dir, "secret"), filepath.Join(dir, "chat", "config.toml")
	env := map[string]string{
		"HOME": dir, "XDG_CONFIG_HOME": dir, "DATABASE_URL": "sqlite://" + filepath.Join(dir, "chat.db"), "CHATD_TOKEN_FILE": file, "CHAT_DISCOVER": "off",
	}
	mkdir(t, filepath.Dir(config))
	write(t, config, "log_level = \"error\"\n", 0o600)
	write(t, file, token, 0o600)
	p := chatd(t, dir, env, "--listen", "tcp://"+address)
	p.serves(address)
	if strings.Contains(p.log.String(), "level=INFO") {
		t.Errorf("with the level error:\n%s", p.log)
	}

	const second = "another-token-0123456789"
	write(t, file, second, 0o600)
	write(t, config, "log_level = \"debug\"\n", 0o600)
	p.signal(syscall.SIGHUP)
	p.eventually("the new token is taken", func() bool { return p.get(address, "/tasks", second) == 200 })
	if got := p.get(address, "/tasks", token); got != 401 {
		t.Errorf("the old token: %d", got)
	}
	p.says("read again")

	write(t, file, "short", 0o600)
	p.signal(syscall.SIGHUP)
	p.says("the bearer token stays as it was")
	write(t, config, "surprise = 1\n", 0o600)
	p.signal(syscall.SIGHUP)
	p.says("the settings were not read again")
	for range 50 {
		p.signal(syscall.SIGHUP)
	}
	if got := p.get(address, "/tasks", second); got != 200 {
		t.Errorf("after settings that are wrong: %d", got)
	}
	p.signal(syscall.SIGTERM)
	p.signal(syscall.SIGHUP)
	p.exits(0)
	if said := p.log.String(); strings.Contains(said, second) || strings.Contains(said, token) || !strings.Contains(said, "msg=stopping") {
		t.Errorf("it says\n%s", said)
	}
}

// The token file that chatd has made is read again, too, and never made again.
func TestSIGHUPKeepsTheTokenThatWasMade(t *testing.T) {
	t.Parallel()
	home, address := own(t), free(t)
	p := chatd(t, home, map[string]string{
		"HOME": home, "DATABASE_URL": "sqlite://" + filepath.Join(home, "chat.db"), "CHAT_DISCOVER": "off",
	}, "--listen", "tcp://"+address)
	p.serves(address)
	file := filepath.Join(home, ".local", "share", "chat", "token")
	made, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.says("the bearer token was read again")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGHUP)
	p.says("the bearer token stays as it was")
	if got := p.get(address, "/tasks", strings.TrimSpace(string(made))); got != 200 {
		t.Errorf("the token that was made: %d", got)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("another token was made")
	}
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// A SIGHUP ends no role of chatd, whatever it is doing.
func TestSIGHUPEndsNothing(t *testing.T) {
	t.Parallel()
	home := own(t)
	p := chatd(t, home, map[string]string{"HOME": home, "CHAT_DISCOVER": "off"})
	p.says("msg=ready")
	p.signal(syscall.SIGHUP)
	p.says("read again")
	p.signal(syscall.SIGINT)
	p.exits(0)
}
