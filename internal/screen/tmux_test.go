package screen

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chat/internal/poll"
	"chat/internal/services"
)

// The size of the scenes in tmux.
const (
	columns = "96"
	rows    = "28"
)

// pane is a shell in a tmux of its own, in which a user runs chat.
type pane struct {
	t      testing.TB
	tool   string
	socket string
}

// shell opens a terminal with a shell in it.
func (h *home) shell() *pane {
	h.t.Helper()
	p := &pane{h.t, services.Tool(h.t, "tmux"), filepath.Join(h.t.TempDir(), "tmux")}
	cmd := exec.CommandContext(h.t.Context(), p.tool, "-u", "-S", p.socket, "-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows,
		"env PS1='$ ' sh")
	cmd.Env, cmd.Dir = h.env, h.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("tmux: %v\n%s", err, out)
	}
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("the screen at the end:\n%s", p.screen())
		}
		_ = exec.Command(p.tool, "-S", p.socket, "kill-server").Run() // gone already if its shell has ended
	})
	p.tmux("set", "-g", "status", "off")
	p.tmux("set", "-g", "escape-time", "0")
	p.waitFor("$")
	return p
}

func (p *pane) tmux(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.tool, append([]string{"-u", "-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// write types text.
func (p *pane) write(text string) { p.t.Helper(); p.tmux("send-keys", "-l", text) }

// press types keys by their names in tmux.
func (p *pane) press(keys ...string) { p.t.Helper(); p.tmux(append([]string{"send-keys"}, keys...)...) }

// enter types a line.
func (p *pane) enter(text string) { p.t.Helper(); p.write(text); p.press("Enter") }

// screen is what a person sees.
func (p *pane) screen() string {
	p.t.Helper()
	return strings.TrimRight(p.tmux("capture-pane", "-p"), "\n") + "\n"
}

// waitFor waits until all of it is on the screen at the same time, and returns the
// screen.
func (p *pane) waitFor(what ...string) string {
	p.t.Helper()
	return p.until(strings.Join(what, ", "), func(screen string) bool {
		for _, w := range what {
			if !strings.Contains(screen, w) {
				return false
			}
		}
		return true
	})
}

// gone waits until it is no longer on the screen.
func (p *pane) gone(what string) string {
	p.t.Helper()
	return p.until("the end of "+what, func(screen string) bool { return !strings.Contains(screen, what) })
}

func (p *pane) until(what string, ok func(screen string) bool) string {
	p.t.Helper()
	var last string
	if !poll.Until(waitLimit, func() bool { last = p.screen(); return ok(last) }) {
		p.t.Fatalf("waited in vain for %s; the screen is\n%s", what, last)
	}
	return last
}
