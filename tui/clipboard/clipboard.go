// Package clipboard copies text in the best available way and reports which one it
// used: a tool of the desktop if the program runs there, else OSC 52, which
// terminals do not confirm, else a file.
package clipboard

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"chat"
)

const (
	// maxTerminal is how much a terminal takes by OSC 52, in bytes of base64:
	// xterm's limit, and those of tmux and others are no lower.
	maxTerminal = 74994
	// toolTimeout is how long a tool may take.
	toolTimeout = 3 * time.Second
)

// Clipboard is where copies go.
type Clipboard struct {
	// Env is the environment as os.Environ gives it.
	Env []string
	// Terminal gets the sequence for the terminal, in one Write.
	Terminal io.Writer
	// File is written where nothing else helps; "" leaves that out.
	File string
}

// Copy copies text, and says in a few words how.
func (c Clipboard) Copy(ctx context.Context, text string) (string, error) {
	var failed error
	for _, tool := range c.tools() {
		path := c.find(tool[0])
		if path == "" {
			continue
		}
		err := c.run(ctx, path, tool[1:], text)
		if err == nil {
			return "copied with " + tool[0], nil
		}
		failed = errors.Join(failed, fmt.Errorf("%s: %w", tool[0], err))
	}
	if sequence := c.sequence(text); sequence != "" {
		if _, err := io.WriteString(c.Terminal, sequence); err == nil {
			return "copied through the terminal (OSC 52), if it supports that", nil
		}
	}
	if c.File == "" {
		return "", chat.Errorf(chat.CodeInvalid, "cannot copy here: %w", failed)
	}
	if err := write(c.File, text); err != nil {
		return "", chat.Errorf(chat.CodeStorage, "cannot copy, and cannot write %s either: %w", c.File, err)
	}
	return "no clipboard found; written to " + c.File, nil
}

// tools are the commands that may copy here, the best first. On the other end of
// an SSH connection they would copy to the wrong machine.
func (c Clipboard) tools() [][]string {
	if c.env("SSH_CONNECTION") != "" || c.env("SSH_TTY") != "" {
		return nil
	}
	var tools [][]string
	if runtime.GOOS == "darwin" {
		tools = append(tools, []string{"pbcopy"})
	}
	if c.env("WAYLAND_DISPLAY") != "" {
		tools = append(tools, []string{"wl-copy"})
	}
	if c.env("DISPLAY") != "" {
		tools = append(tools, []string{"xclip", "-selection", "clipboard"}, []string{"xsel", "--clipboard", "--input"})
	}
	if c.env("WSL_DISTRO_NAME") != "" {
		tools = append(tools, []string{"clip.exe"})
	}
	if c.env("TERMUX_VERSION") != "" {
		tools = append(tools, []string{"termux-clipboard-set"})
	}
	return tools
}

func (c Clipboard) env(name string) string {
	for _, kv := range c.Env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v
		}
	}
	return ""
}

// find is the path of a command by the PATH of Env, "" if there is none.
func (c Clipboard) find(name string) string {
	for _, dir := range filepath.SplitList(c.env("PATH")) {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && filepath.IsAbs(dir) && !info.IsDir() && info.Mode()&0o111 != 0 {
			return path
		}
	}
	return ""
}

// run gives text to a tool. It does not wait for tools that stay in the background
// to serve the text: they get no output that they could keep open.
func (c Clipboard) run(ctx context.Context, path string, args []string, text string) error {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Stdin = c.Env, bytes.NewReader([]byte(text))
	cmd.WaitDelay = toolTimeout
	return cmd.Run()
}

// sequence is OSC 52 with the text, "" if that is too long for a terminal or the
// terminal is known not to have it. Inside tmux it is sent twice: wrapped, for
// the terminal around it, and plain, for tmux itself; tmux uses each
// only if its settings allow that.
func (c Clipboard) sequence(text string) string {
	data := base64.StdEncoding.EncodeToString([]byte(text))
	if term := c.env("TERM"); c.Terminal == nil || len(data) > maxTerminal || term == "" || term == "dumb" || term == "linux" {
		return ""
	}
	plain := "\x1b]52;c;" + data + "\x07"
	switch {
	case c.env("TMUX") != "":
		return "\x1bPtmux;" + strings.ReplaceAll(plain, "\x1b", "\x1b\x1b") + "\x1b\\" + plain
	case strings.HasPrefix(c.env("TERM"), "screen"):
		return "\x1bP" + plain + "\x1b\\"
	}
	return plain
}

// write replaces the file, which only the user can read.
func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".copy-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err == nil {
		return nil
	}
	if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
