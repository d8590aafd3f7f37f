package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config selects what to measure.
type Config struct {
	Programs  Programs
	Provider  string // base URL of a Provider
	Rounds    int
	Scenarios []string // names; none: all
	Targets   []string // names; none: all
	// Profiles is a directory for profiles of the targets by perf(1), which cost
	// time; empty: none.
	Profiles string
	Progress io.Writer
}

// limit bounds one scenario of one target.
const limit = 3 * time.Minute

// Run runs each scenario against all targets in turn, so that compared values are
// measured within about a minute. It reports a scenario that fails and continues
// with the others.
func Run(ctx context.Context, c Config) (Results, error) {
	var results Results
	var errs []error
	for _, sc := range Scenarios() {
		if len(c.Scenarios) > 0 && !slices.Contains(c.Scenarios, sc.Name) {
			continue
		}
		for round := range c.Rounds {
			for _, t := range Targets() {
				if len(c.Targets) > 0 && !slices.Contains(c.Targets, t.Name) || !sc.suits(t.Name) {
					continue
				}
				figures, err := one(ctx, c, sc, t)
				if ctx.Err() != nil {
					return results, context.Cause(ctx)
				}
				if err != nil {
					err = fmt.Errorf("%s of %s, round %d: %w", sc.Name, t.Name, round+1, err)
					errs = append(errs, err)
					fmt.Fprintln(c.Progress, err)
					continue
				}
				results.add(sc.Name, t.Name, figures)
				fmt.Fprintf(c.Progress, "%-13s %-12s", sc.Name, t.Name)
				for _, f := range figures {
					fmt.Fprintf(c.Progress, "  %s %s %s", f.Name, number3(f.Value), f.Unit)
				}
				fmt.Fprintln(c.Progress)
			}
		}
	}
	results.settle()
	return results, errors.Join(errs...)
}

func one(ctx context.Context, c Config, sc Scenario, t Target) (_ []Figure, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("it took longer than "+limit.String()))
	defer cancel()
	s, err := t.Open(ctx, c.Programs, c.Provider)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if c.Profiles == "" {
		figures, err := sc.run(ctx, s)
		if slices.ContainsFunc(figures, func(f Figure) bool { return f.Name == lost && f.Value > 0 }) {
			s.copyLogs(c.Progress)
		}
		return figures, err
	}
	stop, err := s.profile(ctx, filepath.Join(c.Profiles, sc.Name+"-"+t.Name+".perf"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return sc.run(ctx, s)
}

// logTail is how many bytes of each log are shown.
const logTail = 4 << 10

// copyLogs writes the ends of the logs of the target's processes, for a look at the cause of
// lost tokens.
func (s *Site) copyLogs(w io.Writer) {
	for i := range s.served {
		text, err := os.ReadFile(s.logFile(i))
		if err != nil {
			text = []byte(err.Error())
		}
		fmt.Fprintf(w, "%s, log of process %d: %s\n", s.Target, i, text[max(0, len(text)-logTail):])
	}
}

// profile samples the stacks of the target's processes, and of Redis, until stop.
func (s *Site) profile(ctx context.Context, path string) (stop func() error, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, err
	}
	var pids []string
	for _, p := range s.served {
		pids = append(pids, strconv.Itoa(p.Pid()))
	}
	if s.redis != nil {
		pids = append(pids, strconv.Itoa(s.redis.Pid()))
	}
	cmd := exec.CommandContext(ctx, "perf", "record", "-q", "-F", "499", "-g", "-o", path, "-p", strings.Join(pids, ","))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it writes the rest then
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		err := cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // interrupted is how it ends
		return err
	}, nil
}
