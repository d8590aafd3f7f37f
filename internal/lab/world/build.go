package world

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"chat"
)

// LaterType is the type of chunk that only the later version knows (BuildLater).
const LaterType chat.ChunkType = "from_a_later_version"

// Build builds in dir a chatd with crash points. With clocks its wall clock can be set, for
// which the standard library is compiled, too.
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
	_, err := goOutput(ctx, stderr, append(args, "-o", path, "chat/cmd/chatd")...)
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
		if *ask.into, err = goOutput(ctx, stderr, ask.args...); err != nil {
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

// laterFile is where the later version differs: its worker writes a chunk of LaterType
// after each one of its own.
const (
	laterFile = "daemon/worker/text.go"
	laterFind = "		a.log.Add(c)\n"
)

// BuildLater builds the chatd of a later version than this one, which writes chunks of a
// type that this one does not know, and returns its path.
func BuildLater(ctx context.Context, dir string, stderr io.Writer) (string, error) {
	module, err := goOutput(ctx, stderr, "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return "", err
	}
	path := filepath.Join(module, laterFile)
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if strings.Count(string(source), laterFind) != 1 {
		return "", fmt.Errorf("%s does not have the line that a later version changes: %q", laterFile, laterFind)
	}
	changed := filepath.Join(dir, "later.go")
	writes := fmt.Sprintf("		a.log.Add(chat.Chunk{Type: %q, Content: \"unknown\"})\n", LaterType)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "later.json")
	if err := errors.Join( //nolint:gosec // in a directory of ours
		os.WriteFile(changed, []byte(strings.Replace(string(source), laterFind, laterFind+writes, 1)), 0o600),
		os.WriteFile(list, overlay, 0o600),
	); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "chatd-later")
	_, err = goOutput(ctx, stderr, "build", "-trimpath", "-tags", "crashpoints", "-overlay", list, "-o", program, "chat/cmd/chatd")
	return program, err
}

// goOutput is what a go command printed.
func goOutput(ctx context.Context, stderr io.Writer, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Stderr = stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as in task build, which then finds most compiled
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}
