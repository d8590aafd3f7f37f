package screen

import (
	"os"
	"path/filepath"
	"testing"
)

// The config file sets other keys for actions, and the context windows of models;
// help and hints use them.
func TestConfigFileOfTheScreen(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir := filepath.Join(h.dir, ".config", "chat")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "theme = \"none\"\n[keys]\npalette = \"ctrl+g\"\n[models.demo]\ncontext = 1000\noutput_price = 100\n"
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	x := h.terminal()
	x.press("hello\r")
	x.until("ctx ")
	x.until("$0.")
	x.press("\x07")
	x.until("Commands")
	x.press("\x03\x04")
	x.exit()
}

func TestAttachOpensTheScreenThere(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run("send", "--no-stdin", "the first question")
	h.run("send", "--no-stdin", "the second question")
	x := h.terminal("attach", "last", "--tui")
	x.until("the second question")
	x.press("\x04")
	x.exit()

	// Resuming without an id offers a choice, filtered by typing.
	x = h.terminal("-r")
	x.until("the second question")
	x.press("first")
	x.until("1 found")
	x.press("\r")
	x.until("ctrl+j newline")
	x.press("\x04")
	x.exit()
}
