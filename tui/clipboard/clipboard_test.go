package clipboard

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tool puts a command into a directory that takes its input into a file beside it.
func tool(t *testing.T, dir, name, script string) string {
	t.Helper()
	out := filepath.Join(dir, name+".out")
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+strings.ReplaceAll(script, "OUT", out)), 0o755); err != nil {
		t.Fatal(err)
	}
	return out
}

const taking = "/bin/cat > OUT"

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestMethodsAreTriedInOrder(t *testing.T) {
	const text = "some ünicode\ntext"
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	for _, c := range []struct {
		name, script string
		env          []string
		want         string // in what is said
		sequence     string
		tool         bool
	}{
		{name: "a tool", script: taking, env: []string{"DISPLAY=:0", "TERM=xterm"}, want: "copied with xclip", tool: true},
		{
			name: "a tool that fails", script: "exit 1", env: []string{"DISPLAY=:0", "TERM=xterm"},
			want: "OSC 52", sequence: "\x1b]52;c;" + encoded + "\x07",
		},
		{
			name: "over SSH", script: taking, env: []string{"DISPLAY=:0", "SSH_TTY=/dev/pts/1", "TERM=xterm"},
			want: "OSC 52", sequence: "\x1b]52;c;" + encoded + "\x07",
		},
		{
			name: "in tmux", env: []string{"TMUX=/tmp/x", "TERM=tmux-256color"}, want: "OSC 52",
			sequence: "\x1bPtmux;\x1b\x1b]52;c;" + encoded + "\x07\x1b\\\x1b]52;c;" + encoded + "\x07",
		},
		{name: "in screen", env: []string{"TERM=screen"}, want: "OSC 52", sequence: "\x1bP\x1b]52;c;" + encoded + "\x07\x1b\\"},
		{name: "on the console", env: []string{"TERM=linux"}, want: "written to "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			var out string
			if c.script != "" {
				out = tool(t, dir, "xclip", c.script)
			}
			var terminal bytes.Buffer
			clip := Clipboard{Env: append(c.env, "PATH="+dir), Terminal: &terminal, File: filepath.Join(dir, "state", "copied")}
			how, err := clip.Copy(t.Context(), text)
			if err != nil || !strings.Contains(how, c.want) {
				t.Fatalf("%q, %v", how, err)
			}
			if terminal.String() != c.sequence {
				t.Errorf("the terminal got %q", terminal.String())
			}
			if c.tool && read(t, out) != text {
				t.Errorf("the tool got %q", read(t, out))
			}
			if strings.HasPrefix(c.want, "written") && read(t, clip.File) != text {
				t.Errorf("the file has %q", read(t, clip.File))
			}
		})
	}
}

func TestATextTooLongForATerminalGoesToAFile(t *testing.T) {
	var terminal bytes.Buffer
	clip := Clipboard{Env: []string{"TERM=xterm"}, Terminal: &terminal, File: filepath.Join(t.TempDir(), "copied")}
	text := strings.Repeat("x", maxTerminal)
	how, err := clip.Copy(t.Context(), text)
	if err != nil || !strings.Contains(how, clip.File) || terminal.Len() > 0 || read(t, clip.File) != text {
		t.Errorf("%q, %v, %d bytes to the terminal", how, err, terminal.Len())
	}
	if info, err := os.Stat(clip.File); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	clip.File = ""
	if _, err := clip.Copy(t.Context(), text); err == nil {
		t.Error("copied without any method")
	}
}

func TestHangingToolIsAbandoned(t *testing.T) {
	dir := t.TempDir()
	tool(t, dir, "wl-copy", "exec /bin/sleep 60")
	var terminal bytes.Buffer
	clip := Clipboard{Env: []string{"WAYLAND_DISPLAY=w", "TERM=xterm", "PATH=" + dir}, Terminal: &terminal}
	how, err := clip.Copy(t.Context(), "x")
	if err != nil || !strings.Contains(how, "OSC 52") {
		t.Errorf("%q, %v", how, err)
	}
}
