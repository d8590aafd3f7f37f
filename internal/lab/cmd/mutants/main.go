// Command mutants damages one promise after the other, each by a line or two, and
// sees to it that a test fails: it tests the tests. The damage is done in an
// overlay of the build; no file of the checkout is changed.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// limit is how long the tests of one mutant may take; a hang is noticed, too.
const limit = 4 * time.Minute

func run(args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("mutants", flag.ContinueOnError)
	f.SetOutput(stderr)
	parallel := f.Int("parallel", 2, "mutants that run at the same time")
	only := f.String("only", "", "only mutants with this in their name")
	if err := f.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		fmt.Fprintln(stderr, "mutants:", err)
		return 2
	}
	defer func() { _ = os.RemoveAll(dir) }()

	var mu sync.Mutex
	killed, all := 0, 0
	control := &control{passed: map[string]func() error{}}
	var work sync.WaitGroup
	slots := make(chan struct{}, max(*parallel, 1))
	for i, m := range mutants() {
		if !strings.Contains(m.name, *only) {
			continue
		}
		all++
		work.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			began := time.Now()
			by := ""
			err := control.pass(ctx, m)
			if err == nil {
				by, err = m.try(ctx, filepath.Join(dir, fmt.Sprint(i)))
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fmt.Fprintf(stdout, "SURVIVED  %-4s %s: %v\n", m.promise, m.name, err)
				return
			}
			killed++
			fmt.Fprintf(stdout, "killed    %-4s %s (%s, %.0f s)\n", m.promise, m.name, by, time.Since(began).Seconds())
		})
	}
	work.Wait()
	fmt.Fprintf(stdout, "mutants killed: %d of %d\n", killed, all)
	if killed != all || all == 0 {
		return 1
	}
	return 0
}

// damaged is the file with the damage done.
func (m mutant) damaged(text string) (string, error) {
	if n := strings.Count(text, m.find); n != 1 {
		return "", fmt.Errorf("%s has %d lines like %q, want one: update the table", m.file, n, m.find)
	}
	return strings.Replace(text, m.find, m.replace, 1), nil
}

// control runs tests on the program as it is, each once: what fails without any
// damage notices nothing.
type control struct {
	mu     sync.Mutex
	passed map[string]func() error
}

func (c *control) pass(ctx context.Context, m mutant) error {
	c.mu.Lock()
	key := m.pkg + " " + m.run + " " + m.row
	once, ok := c.passed[key]
	if !ok {
		once = sync.OnceValue(func() error {
			out, err := m.test(ctx, "")
			if err != nil {
				return fmt.Errorf("the tests fail without damage: %w\n%s", err, out)
			}
			return nil
		})
		c.passed[key] = once
	}
	c.mu.Unlock()
	return once()
}

// try runs the tests on the damaged program and says which one failed.
func (m mutant) try(ctx context.Context, dir string) (string, error) {
	overlay, err := m.overlay(dir)
	if err != nil {
		return "", err
	}
	return m.judge(ctx, overlay)
}

// overlay writes an overlay with the damage into dir, and returns its path.
func (m mutant) overlay(dir string) (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	bad, err := m.damaged(string(text))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	file, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	table, err := json.Marshal(map[string]any{"Replace": map[string]string{path: file}})
	if err := errors.Join(err, os.WriteFile(file, []byte(bad), 0o600), os.WriteFile(overlay, table, 0o600)); err != nil { //nolint:gosec // the paths are of our own table
		return "", err
	}
	return overlay, nil
}

// test runs the tests that must notice m, with an overlay or without, and returns
// what they printed.
func (m mutant) test(ctx context.Context, overlay string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-failfast", "-timeout="+limit.String(), "-run="+m.run, m.pkg)
	if m.row != "" {
		cmd = exec.CommandContext(ctx, "go", "run", "./internal/lab/cmd/lab", "-seeds=2", m.row)
	}
	if overlay != "" {
		cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (m mutant) judge(ctx context.Context, overlay string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*limit)
	defer cancel()
	text, err := m.test(ctx, overlay)
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case strings.Contains(text, "[build failed]") || strings.Contains(text, "build chatd"):
		return "", fmt.Errorf("it does not compile:\n%s", text)
	case err == nil:
		return "", errors.New("no test failed")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "--- FAIL: "); ok {
			return strings.Fields(name)[0], nil
		}
		if strings.HasPrefix(line, "FAILED ") {
			return strings.TrimSuffix(line, ";"), nil
		}
	}
	if strings.Contains(text, "panic: test timed out") {
		return "a hang", nil
	}
	return "", fmt.Errorf("the tests did not run: %w\n%s", err, text)
}
