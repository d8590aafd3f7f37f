package browser_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat/internal/cli/browser"
)

func TestCode(t *testing.T) {
	t.Parallel()
	const address = "http://192.168.1.20:40123/#code=ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for _, colour := range []bool{true, false} {
		code, err := browser.Code(address, colour)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(code, "\n"), "\n")
		plain := strings.NewReplacer("\x1b[38;5;16;48;5;231m", "", "\x1b[0m", "").Replace(lines[2])
		if n := len([]rune(plain)); n < 33+8 || n > 80 || len(lines) > 24 {
			t.Errorf("the code has %d × %d characters", n, len(lines))
		}
		// The upper left corner is a square of 7 black modules behind the margin.
		want := map[bool]string{true: "    █▀▀▀▀▀█", false: "████ ▄▄▄▄▄ "}[colour]
		if !strings.HasPrefix(plain, want) {
			t.Errorf("colour %v: the code begins with %q", colour, plain)
		}
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "opened")
	program := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$1\" >"+file+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	lookup := func(name string) string { return map[string]string{"BROWSER": program}[name] }
	if err := browser.Open(context.Background(), "http://127.0.0.1:1/#code=x", lookup); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "http://127.0.0.1:1/#code=x\n" {
		t.Errorf("the browser got %q, %v", got, err)
	}
	if err := browser.Open(context.Background(), "http://x", func(name string) string { return map[string]string{"BROWSER": "/nowhere"}[name] }); err == nil || !strings.Contains(err.Error(), "BROWSER") {
		t.Errorf("a missing browser: %v", err)
	}
}
