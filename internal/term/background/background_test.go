package background_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	_ "github.com/charmbracelet/bubbletea" // whose init would ask the terminal
	"github.com/creack/pty"

	_ "chat/internal/term/background"
)

const childEnv = "CHAT_BACKGROUND_TEST_CHILD"

// TestMain makes this test binary the program under test: with the variable set it
// only starts and exits, which is enough.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		return
	}
	os.Exit(m.Run())
}

func TestStartDoesNotQueryTerminal(t *testing.T) {
	began := time.Now()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=1", "TERM=xterm-256color", "COLORTERM=truecolor")
	terminal, err := pty.Start(cmd) // a terminal that answers no query
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
	}()
	var out bytes.Buffer
	if _, err := io.Copy(&out, terminal); err != nil && out.Len() > 0 {
		t.Logf("after %q: %v", out.String(), err) // a closed pty reads as an error
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(out.Bytes(), 0x1B) {
		t.Errorf("it asked the terminal: %q", out.String())
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("it took %v to start", d)
	}
}
