package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"chat/internal/lab/faults"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// Config is what all runs share.
type Config struct {
	Programs world.Programs
	Dir      string // each run has a directory of its own below it
	// Clocks: Chatd is built so that its wall clock can be set.
	Clocks bool
	Long   time.Duration // how long a long answer takes; 0: two minutes
	// Slack is added to every promised time, for a machine that runs other things at the
	// same time.
	Slack time.Duration
}

// Result is the outcome of one run.
type Result struct {
	Row     string        `json:"row"`
	Profile world.Profile `json:"profile"`
	Seed    uint64        `json:"seed"`
	Tasks   int           `json:"tasks"`
	Calls   int           `json:"calls"`
	Conns   int           `json:"connections"`
	// Followed is what was followed through the other wire formats.
	Followed   []history.Coverage `json:"followed,omitempty"`
	Took       float64            `json:"seconds"`
	Violations []judge.Violation  `json:"violations,omitempty"`
	Err        string             `json:"error,omitempty"` // the run itself failed
	Dir        string             `json:"dir,omitempty"`   // of what is left of a run that failed
	Figures    []Figure           `json:"figures,omitempty"`
	Notes      []string           `json:"notes,omitempty"` // of a soak
}

// Figure is a measured time that a row publishes.
type Figure struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
}

// Passed reports whether the run kept every promise.
func (r Result) Passed() bool { return len(r.Violations) == 0 && r.Err == "" }

// Replay is the command that runs it again.
func (r Result) Replay() string {
	return fmt.Sprintf("go tool -modfile=tools.mod task lab -- -profile %s -seed %d %s", r.Profile, r.Seed, r.Row)
}

// Run runs one row once.
func Run(ctx context.Context, cfg Config, row faults.Row, p world.Profile, seed uint64) Result {
	r := Result{Row: row.Name, Profile: p, Seed: seed}
	began := time.Now()
	dir, err := os.MkdirTemp(cfg.Dir, "run-")
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // PostgreSQL runs as another user and passes through
	}
	if err != nil {
		r.Err = err.Error()
		return r
	}
	h := &history.History{Row: row.Name, Profile: p, Seed: seed, Began: began}
	w := &faults.World{World: world.New(p, dir, cfg.Programs, seed), History: h, Slack: cfg.Slack}
	w.OnEnd, w.RedisKind = h.AddEnd, row.Redis
	if err := phases(ctx, cfg, row, w); err != nil {
		r.Err = err.Error()
	}
	if err := w.Close(); err != nil && r.Err == "" {
		r.Err = "end the world: " + err.Error()
	}
	if log, err := os.ReadFile(filepath.Join(dir, "chatd.log")); err == nil {
		h.Log = string(log)
	}
	if r.Err == "" {
		terms := judge.Terms{Allow: row.Allow, Clocks: row.Clocks, Fault: row.Fault != nil, Slack: cfg.Slack}
		r.Violations = judge.Judge(h, terms)
		if row.Check != nil {
			r.Violations = append(r.Violations, row.Check(h)...)
		}
	} else if judge.Panicked(h, row.Allow) {
		r.Err += "; a panic in chatd"
	}
	r.Tasks, r.Calls, r.Took = len(h.Asks()), len(h.Calls), time.Since(began).Seconds()
	r.Figures, r.Followed = figures(h), h.Followed()
	if row.Name == "soak" {
		for _, n := range h.Notes() {
			r.Notes = append(r.Notes, fmt.Sprintf("%6.1f s  %s", n.At.Sub(began).Seconds(), n.What))
		}
	}
	for _, a := range h.Asks() {
		for _, f := range a.Followers {
			r.Conns += f.Connections()
		}
	}
	if r.Passed() {
		_ = os.RemoveAll(dir) // what is left is in a temporary directory
		return r
	}
	r.Dir = dir
	if err := h.Save(dir); err != nil {
		r.Err += "; the history was not saved: " + err.Error()
	}
	return r
}

// phases runs load → fault → mend → quiet; the judge comes afterwards.
func phases(ctx context.Context, cfg Config, row faults.Row, w *faults.World) error {
	h := w.History
	if row.Setup != nil {
		row.Setup(w)
	}
	switch {
	case w.Clocks && !cfg.Clocks:
		return errors.New("this chatd's clock cannot be set")
	case len(w.Later) > 0 && cfg.Programs.Later == "":
		return errors.New("there is no chatd of a later version")
	}
	if err := w.Start(ctx); err != nil {
		return fmt.Errorf("start the world: %w", err)
	}
	s := load.NewSender(w.World, h)
	defer s.Close()
	s.Load.Long = cmp.Or(cfg.Long, 2*time.Minute)
	if row.Load != nil {
		row.Load(&s.Load)
	}
	if s.Load.Formats {
		h.Formats = load.Formats()
	}
	before := w.Gauges(ctx)
	loading, stop := context.WithTimeoutCause(ctx, s.Load.For+s.Load.Timeout+5*time.Minute, errors.New("the run took too long"))
	defer stop()
	s.Start(loading, h.Seed, world.UniqueName())

	if row.Fault != nil {
		if err := warm(loading, w.Chance); err != nil {
			return err
		}
		h.Note("the fault begins")
		if err := row.Fault(loading, w); err != nil {
			stop()
			s.Wait()
			return fmt.Errorf("the fault: %w", err)
		}
		h.Note("mended")
	}
	s.Wait()
	if err := s.Quiet(loading); err != nil {
		h.Note(err.Error()) // the judge finds what is missing
	}
	s.Late(loading)
	h.Note("quiet")
	s.Close()
	h.Before, h.After = before, w.Settled(ctx)
	h.Calls = w.Provider.Calls()
	var err error
	if h.Redis, err = w.ReadRedis(ctx); err != nil {
		return err
	}
	driver, dsn := w.DatabaseURL()
	h.Rows, err = history.ReadTables(ctx, driver, dsn)
	return err
}

// warm waits until answers stream.
func warm(ctx context.Context, c world.Chance) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("nothing streams"))
	defer cancel()
	return world.Pause(ctx, c.Between(800*time.Millisecond, 2*time.Second))
}
