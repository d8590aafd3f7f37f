package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/urfave/cli/v2"
)

// TestEveryCommandHasAScenario asks that each command is played at least once as
// it works and once as it fails, with its exit code, from a script as well as on a
// terminal.
func TestEveryCommandHasAScenario(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
		all.WriteString("\n")
	}
	scripts := all.String()
	var walk func(parent string, list []*cli.Command)
	walk = func(parent string, list []*cli.Command) {
		for _, c := range list {
			if c.Hidden {
				continue
			}
			name := parent + " " + c.Name
			if len(c.Subcommands) > 0 {
				walk(name, c.Subcommands)
				continue
			}
			called := regexp.QuoteMeta(name) + `( |$)`
			if !regexp.MustCompile(`(?m)^(exec|until|tty 0 \S+) ` + called).MatchString(scripts) {
				t.Errorf("no script in testdata/script has: exec %s", name)
			}
			if !regexp.MustCompile(`(?m)^(exits|interrupt|tty) [1-9]\d* (\S+ )*?` + called).MatchString(scripts) {
				t.Errorf("no script in testdata/script has: exits CODE %s", name)
			}
			for what, code := range map[string]string{"0": "0", "CODE": `[1-9]\d*`} {
				if name == "chat auth login" && what == "0" {
					continue // somebody has to type the key: TestAKeyIsTriedBeforeItIsKept
				}
				if !regexp.MustCompile(`(?m)^tty ` + code + ` \S+ ` + called).MatchString(scripts) {
					t.Errorf("no script in testdata/script has: tty %s FILE %s", what, name)
				}
			}
		}
	}
	p := noProgram()
	walk("chat", p.app().Commands)
}

// passedOn are the variables of a script that programs get which are not run by
// testscript itself.
func passedOn(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{
		"HOME", "PATH", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "CHAT_DISCOVER", "CHAT_DEMO_SPEED", "GORACE",
		"TERM", "NO_COLOR", "CHAT_NO_DAEMON", "EDITOR",
	} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// onTTY runs a program for a person: its stdin, stdout and stderr are a terminal of
// 80 columns, and what that shows goes to FILE: tty CODE FILE PROGRAM ARGS…
func onTTY(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: tty CODE FILE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[2])
	ts.Check(err)
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), passedOn(ts)
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	ts.Check(err)
	shown, err := io.ReadAll(master) // up to EIO, once the program has gone
	if len(shown) == 0 && err == nil {
		ts.Logf("the terminal showed nothing")
	}
	werr := cmd.Wait()
	ts.Check(master.Close())
	if exit := (*exec.ExitError)(nil); werr != nil && !errors.As(werr, &exit) {
		ts.Fatalf("%v", werr)
	}
	text := strings.ReplaceAll(string(shown), "\r\n", "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d; the terminal showed:\n%s", got, want, text)
	}
}
