package lab

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// before is the version that a mixed deployment mixes with this one: the last
// one whose ended answers are not packed and whose database has a table less.
const before = "01c9847"

// Build makes the chatd that can be told to crash, in dir. With clocks its wall
// clock can be set, which compiles everything anew, the standard library too.
func Build(ctx context.Context, dir string, clocks bool, stderr io.Writer) (string, error) {
	args := []string{"build", "-trimpath", "-tags", "crashpoints"}
	if clocks {
		flags, err := clockFlags(ctx, dir, stderr)
		if err != nil {
			return "", err
		}
		args = append(args, flags...)
	}
	path := filepath.Join(dir, "chatd")
	_, err := output(ctx, "", stderr, "go", append(args, "-o", path, "chat/cmd/chatd")...)
	return path, err
}

// clockFlags are those that make a clock that can be set.
func clockFlags(ctx context.Context, dir string, stderr io.Writer) ([]string, error) {
	var found struct{ goroot, module, libc string }
	for _, ask := range []struct {
		into *string
		args []string
	}{
		{&found.goroot, []string{"env", "GOROOT"}},
		{&found.module, []string{"list", "-m", "-f", "{{.Dir}}"}},
		{&found.libc, []string{"list", "-m", "-f", "{{.Dir}}", "modernc.org/libc"}},
	} {
		var err error
		if *ask.into, err = output(ctx, "", stderr, "go", ask.args...); err != nil {
			return nil, err
		}
	}
	overlay, err := writeOverlay(dir, found.goroot)
	if err != nil {
		return nil, err
	}
	mod, err := writeModule(dir, found.module, found.libc, runtime.GOARCH)
	return []string{"-overlay", overlay, "-modfile", mod}, err
}

// BuildBefore makes the chatd of the version before, from the repository's own
// history, and returns its path.
func BuildBefore(ctx context.Context, dir string, stderr io.Writer) (string, error) {
	top, err := output(ctx, "", stderr, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", fmt.Errorf("a mixed deployment needs the repository's history: %w", err)
	}
	source := filepath.Join(dir, "source-"+before)
	if err := os.Mkdir(source, 0o700); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, before+".tar")
	if _, err := output(ctx, top, stderr, "git", "archive", "-o", archive, before); err != nil {
		return "", fmt.Errorf("the commit %s is not in this clone's history: %w", before, err)
	}
	if _, err := output(ctx, source, stderr, "tar", "-xf", archive); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "chatd-"+before)
	_, err = output(ctx, source, stderr, "go", "build", "-trimpath", "-tags", "crashpoints", "-o", path, "./cmd/chatd")
	return path, err
}

// output is what a command printed.
func output(ctx context.Context, dir string, stderr io.Writer, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in task build, which then finds most compiled
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
