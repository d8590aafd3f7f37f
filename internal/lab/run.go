package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"chat"
)

// Config is what all runs share.
type Config struct {
	Chatd string // the program, as Build makes it
	Dir   string // each run has a directory of its own below it
	// Clocks: Chatd is built so that its wall clock can be set.
	Clocks bool
	Later  string        // the program of a later version; "" if no row needs it
	Long   time.Duration // how long a long answer takes; 0: two minutes
	// Slack is granted beside every promised time, for a machine that runs other
	// things at the same time.
	Slack time.Duration
}

// Result is what came of one run.
type Result struct {
	Row        string      `json:"row"`
	Profile    Profile     `json:"profile"`
	Seed       uint64      `json:"seed"`
	Tasks      int         `json:"tasks"`
	Calls      int         `json:"calls"`
	Conns      int         `json:"connections"`
	Took       float64     `json:"seconds"`
	Violations []Violation `json:"violations,omitempty"`
	Err        string      `json:"error,omitempty"` // the run itself failed
	Dir        string      `json:"dir,omitempty"`   // of what is left of a run that failed
	Figures    []Figure    `json:"figures,omitempty"`
	Notes      []string    `json:"notes,omitempty"` // of a soak
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
func Run(ctx context.Context, cfg Config, row Row, p Profile, seed uint64) Result {
	r := Result{Row: row.Name, Profile: p, Seed: seed}
	began := time.Now()
	dir, err := os.MkdirTemp(cfg.Dir, "run-")
	if err == nil {
		err = os.Chmod(dir, 0o755) //nolint:gosec // a PostgreSQL that runs as somebody else passes through
	}
	if err != nil {
		r.Err = err.Error()
		return r
	}
	h := &History{Row: row, Profile: p, Seed: seed, Began: began, Slack: cfg.Slack}
	w := newWorld(p, dir, cfg, seed)
	w.history = h
	if err := phases(ctx, cfg, w, h); err != nil {
		r.Err = err.Error()
	}
	if err := w.close(); err != nil && r.Err == "" {
		r.Err = "end the world: " + err.Error()
	}
	if log, err := os.ReadFile(filepath.Join(dir, "chatd.log")); err == nil {
		h.Log = string(log)
	}
	if r.Err == "" {
		r.Violations = Judge(h)
	} else if h.panicked() {
		r.Err += "; a panic in chatd"
	}
	r.Tasks, r.Calls, r.Took = len(h.Asks()), len(h.Calls), time.Since(began).Seconds()
	r.Figures = h.figures()
	if row.Name == "soak" {
		for _, n := range h.Notes() {
			r.Notes = append(r.Notes, fmt.Sprintf("%6.1f s  %s", n.At.Sub(began).Seconds(), n.What))
		}
	}
	for _, a := range h.Asks() {
		for _, f := range a.Followers {
			r.Conns += len(f.Conns)
		}
	}
	if r.Passed() {
		_ = os.RemoveAll(dir) // what is left is in a temporary directory
		return r
	}
	r.Dir = dir
	if err := h.save(dir); err != nil {
		r.Err += "; the history was not saved: " + err.Error()
	}
	return r
}

// phases are load → faults → heal → quiet; the judge comes afterwards.
func phases(ctx context.Context, cfg Config, w *World, h *History) error {
	if h.Row.Setup != nil {
		h.Row.Setup(w)
	}
	switch {
	case w.Clocks && !cfg.Clocks:
		return errors.New("this chatd's clock cannot be set")
	case len(w.Later) > 0 && cfg.Later == "":
		return errors.New("there is no chatd of a later version")
	}
	if err := w.start(ctx); err != nil {
		return fmt.Errorf("start the world: %w", err)
	}
	s := &sender{w: w, h: h, load: defaultLoad(), http: httpClient()}
	defer s.http.CloseIdleConnections()
	s.load.Long = cmp.Or(cfg.Long, 2*time.Minute)
	if h.Row.Load != nil {
		h.Row.Load(&s.load)
	}
	before := w.gauges(ctx)
	loading, stop := context.WithTimeoutCause(ctx, s.load.For+s.load.Patience+5*time.Minute, errors.New("the run took too long"))
	defer stop()
	s.work.Go(func() { s.run(loading, h.Seed, name()) })

	if h.Row.Fault != nil {
		if err := s.warm(loading, w.Chance); err != nil {
			return err
		}
		h.note("the fault begins")
		if err := h.Row.Fault(loading, w); err != nil {
			stop()
			s.work.Wait()
			return fmt.Errorf("the fault: %w", err)
		}
		h.note("mended")
	}
	s.work.Wait()
	if err := s.quiet(loading); err != nil {
		h.note(err.Error()) // the judge finds what is missing
	}
	s.late(loading)
	h.note("quiet")
	s.http.CloseIdleConnections()
	h.Before, h.After = before, w.settled(ctx)
	h.Calls = w.Provider.Calls()
	var err error
	if h.Redis, err = w.readRedis(ctx); err != nil {
		return err
	}
	driver, dsn := w.databaseURL()
	h.Rows, err = readRecord(ctx, driver, dsn)
	return err
}

// warm waits until answers are being made, and then a little more.
func (s *sender) warm(ctx context.Context, c chance) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("nothing streams"))
	defer cancel()
	if err := pause(ctx, c.between(800*time.Millisecond, 2*time.Second)); err != nil {
		return err
	}
	return nil
}

// quiet waits until no accepted task is open.
func (s *sender) quiet(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.load.Patience)
	defer cancel()
	for {
		var open struct {
			Tasks []chat.Task `json:"tasks"`
		}
		status, _, err := s.call(ctx, 0, "GET", "/tasks?state=active&limit=10", "", nil, &open)
		if err == nil && status == 200 && len(open.Tasks) == 0 {
			return nil
		}
		if pause(ctx, 200*time.Millisecond) != nil {
			return fmt.Errorf("still open: %d tasks (%w)", len(open.Tasks), context.Cause(ctx))
		}
	}
}

// late follows finished tasks: from the start on each instance, from a place in
// the middle, and from the end.
func (s *sender) late(ctx context.Context) {
	c := seeded(s.h.Seed, 4)
	for _, a := range s.h.Asks() {
		if a.Accepted == nil {
			continue
		}
		for api := range s.w.API {
			f := &Follower{Kind: "late", Conns: []*Conn{s.open(ctx, a.Accepted.TaskID, api, "", leave{})}}
			a.Followers = append(a.Followers, f)
			frames := f.Conns[0].Frames
			if len(frames) == 0 || f.Conns[0].End != "terminal" {
				f.Gave = "late: " + f.Conns[0].End
				continue
			}
			middle := frames[c.IntN(len(frames))].ID
			again := &Follower{Kind: "late, from " + middle, Conns: []*Conn{
				{API: api, Frames: frames[:indexOf(frames, middle)+1], Status: 200, End: "left"}, s.open(ctx, a.Accepted.TaskID, api, middle, leave{}),
			}}
			if middle == frames[len(frames)-1].ID && again.Conns[1].Status != 204 {
				again.Gave = fmt.Sprintf("at the end the answer is %d, not 204", again.Conns[1].Status)
			}
			a.Followers = append(a.Followers, again)
		}
	}
}

func indexOf(frames []Frame, id string) int {
	for i, f := range frames {
		if f.ID == id {
			return i
		}
	}
	return -1
}
