package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zalando/go-keyring"

	"chat/internal/cli/exit"
)

const ringKey = "sk-or-v1-very-long-secret"

func TestAKeyInTheKeyring(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere") // what is asked is a keyring in memory
	keyring.MockInit()
	home := t.TempDir()
	config := filepath.Join(home, ".config/chat/config.toml")
	auth := func(stdin string, args ...string) chatRun {
		t.Helper()
		in := tempFile(t)
		if _, err := in.WriteString(stdin); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Seek(0, 0); err != nil {
			t.Fatal(err)
		}
		files := stdio{in: in, out: tempFile(t), err: tempFile(t)}
		code := run(context.Background(), append([]string{"chat", "auth"}, args...), files, func(name string) (string, bool) {
			return home, name == "HOME"
		})
		return chatRun{code, contents(t, files.out), contents(t, files.err)}
	}
	file := func() string {
		b, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}

	if got := auth(ringKey, "login", "--keyring", "--no-check", "--base-url", "https://openrouter.ai/api/v1"); got.code != exit.OK || !strings.Contains(got.stderr, "stored the key in the keyring") {
		t.Fatalf("%+v", got)
	}
	if key, err := keyring.Get("chat", "openrouter.ai"); key != ringKey || err != nil || strings.Contains(file(), "secret") || !strings.Contains(file(), `api_key = "keyring:openrouter.ai"`) {
		t.Errorf("%q, %v:\n%s", key, err, file())
	}
	if got := auth("", "list"); got.code != exit.OK || !strings.Contains(got.out, "••••cret  the keyring") || strings.Contains(got.out, "sk-or") {
		t.Errorf("%+v", got)
	}

	// Kept in the file from now on: the keyring forgets it.
	if got := auth(ringKey, "login", "--no-check"); got.code != exit.OK || !strings.Contains(got.stderr, "config.toml") {
		t.Errorf("%+v", got)
	}
	if _, err := keyring.Get("chat", "openrouter.ai"); err == nil || !strings.Contains(file(), ringKey) {
		t.Errorf("%v:\n%s", err, file())
	}

	if got := auth(ringKey, "login", "--keyring", "--no-check"); got.code != exit.OK {
		t.Errorf("%+v", got)
	}
	if got := auth("", "logout"); got.code != exit.OK || strings.Contains(file(), "api_key") {
		t.Errorf("%+v:\n%s", got, file())
	}
	if _, err := keyring.Get("chat", "openrouter.ai"); err == nil {
		t.Error("the keyring still has it")
	}

	keyring.MockInitWithError(os.ErrPermission)
	if got := auth(ringKey, "login", "--keyring", "--no-check"); got.code != exit.Setup || !strings.Contains(got.stderr, "the key was not stored: the keyring does not work") ||
		strings.Contains(got.stderr, "secret") || strings.Contains(file(), "api_key") {
		t.Errorf("%+v:\n%s", got, file())
	}
}
