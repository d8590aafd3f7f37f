// Command lab breaks things and judges what happened; see package lab.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"chat/internal/lab"
	"chat/internal/lab/faults"
	"chat/internal/lab/world"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	seeds    int
	seed     uint64
	profile  string
	parallel int
	core     bool
	soak     time.Duration
	period   time.Duration
	streams  int
	long     time.Duration
	chatd    string
	list     bool
	keep     string
	json     string
	markdown string
	rows     []string
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("lab", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.seeds, "seeds", 3, "how many seeds each row gets")
	f.Uint64Var(&o.seed, "seed", 0, "one seed, to replay a run")
	f.StringVar(&o.profile, "profile", "", "embedded or full (default: all that a row is for)")
	f.IntVar(&o.parallel, "parallel", runtime.NumCPU(), "worlds that run at the same time; with more than cores, promises about time fail")
	f.BoolVar(&o.core, "core", false, "the core rows only")
	f.DurationVar(&o.soak, "soak", 0, "instead of rows: so long a load with a random fault every -period")
	f.DurationVar(&o.period, "period", 10*time.Second, "of the faults of a soak")
	f.IntVar(&o.streams, "streams", 100, "concurrent streams of a soak")
	f.DurationVar(&o.long, "long", 2*time.Minute, "how long the answers of provider/long-answer take")
	f.StringVar(&o.chatd, "chatd", "", "the chatd of another commit, built with -tags crashpoints (default: this one's)")
	f.BoolVar(&o.list, "list", false, "list the rows")
	f.StringVar(&o.keep, "dir", "", "where runs that failed leave their history (default: a new temporary directory)")
	f.StringVar(&o.json, "json", "", "write the results to this file, too")
	f.StringVar(&o.markdown, "markdown", "", "and, as a table in Markdown, to this one")
	f.Usage = func() {
		fmt.Fprintln(stderr, "usage: lab [flags] [row or area ...]")
		f.PrintDefaults()
	}
	err := f.Parse(args)
	o.rows = f.Args()
	return o, err
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		return 2 // parse has printed it
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := o.run(ctx, stdout, stderr)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, "lab:", err)
		return 2
	case !ok:
		return 1
	}
	return 0
}

func (o options) run(ctx context.Context, stdout, stderr io.Writer) (bool, error) {
	rows, err := o.selected()
	if err != nil {
		return false, err
	}
	if o.soak > 0 {
		o.seeds = 1
	}
	if o.list {
		for _, r := range rows {
			fmt.Fprintf(stdout, "%-45s %v core=%t\n", r.Name, r.On, r.Core)
			for _, kind := range slices.Sorted(maps.Keys(r.Except)) {
				fmt.Fprintf(stdout, "  not @%s: %s\n", kind, r.Except[kind])
			}
		}
		return true, nil
	}
	if err := o.makeDir(); err != nil {
		return false, err
	}
	cfg, err := o.config(ctx, rows, stderr)
	if err != nil {
		return false, err
	}
	began := time.Now()
	results := o.runs(ctx, cfg, rows, stderr)
	fmt.Fprintln(stdout, world.LeaseNote)
	if err := lab.Summary(stdout, results); err != nil {
		return false, err
	}
	fmt.Fprintf(stdout, "took %s\n", time.Since(began).Round(time.Second))
	if o.json != "" {
		if err := writeJSON(o.json, results); err != nil {
			return false, err
		}
	}
	if o.markdown != "" {
		var table bytes.Buffer
		if err := lab.Markdown(&table, results); err != nil {
			return false, err
		}
		if err := os.WriteFile(o.markdown, table.Bytes(), 0o644); err != nil { //nolint:gosec // for everybody
			return false, err
		}
	}
	passed := !slices.ContainsFunc(results, func(r lab.Result) bool { return !r.Passed() })
	if passed {
		return true, errors.Join(ctx.Err(), os.RemoveAll(o.keep))
	}
	return false, ctx.Err()
}

// selected returns the rows to run.
func (o options) selected() ([]faults.Row, error) {
	rows, err := faults.Select(faults.Rows(), o.rows)
	if o.core {
		rows = slices.DeleteFunc(slices.Clone(rows), func(r faults.Row) bool { return !r.Core })
	}
	if o.soak == 0 || err != nil {
		return rows, err
	}
	rows = nil
	for _, p := range world.Profiles() {
		if o.profile == string(p) || o.profile == "" && p == world.Full {
			rows = append(rows, lab.SoakRow(p, o.soak, o.period, o.streams))
		}
	}
	return rows, nil
}

// config builds the programs that the rows need.
func (o options) config(ctx context.Context, rows []faults.Row, stderr io.Writer) (lab.Config, error) {
	cfg := lab.Config{Dir: o.keep, Long: o.long, Clocks: slices.ContainsFunc(rows, func(r faults.Row) bool { return r.Clocks })}
	var err error
	if cfg.Programs.Chatd = o.chatd; cfg.Programs.Chatd == "" {
		if cfg.Programs.Chatd, err = world.Build(ctx, o.keep, cfg.Clocks, stderr); err != nil {
			return cfg, err
		}
	}
	if slices.ContainsFunc(rows, func(r faults.Row) bool { return r.Later }) {
		cfg.Programs.Later, err = world.BuildLater(ctx, o.keep, stderr)
	}
	return cfg, err
}

// makeDir makes the directory of this run, in the one that was named.
func (o *options) makeDir() (err error) {
	if o.keep != "" {
		if o.keep, err = filepath.Abs(o.keep); err != nil {
			return err
		}
		if err := os.MkdirAll(o.keep, 0o755); err != nil { //nolint:gosec // PostgreSQL passes through
			return err
		}
	}
	if o.keep, err = os.MkdirTemp(o.keep, "chat-lab-"); err != nil {
		return err
	}
	return os.Chmod(o.keep, 0o755) //nolint:gosec // PostgreSQL passes through
}

// runs runs everything, some worlds at the same time.
func (o options) runs(ctx context.Context, cfg lab.Config, rows []faults.Row, stderr io.Writer) []lab.Result {
	type job struct {
		row  faults.Row
		p    world.Profile
		seed uint64
	}
	var jobs []job
	for _, r := range rows {
		for _, p := range r.On {
			if o.profile != "" && o.profile != string(p) {
				continue
			}
			seeds := []uint64{o.seed}
			if o.seed == 0 {
				seeds = seeds[:0]
				for s := range o.seeds {
					seeds = append(seeds, uint64(s+1))
				}
			}
			for _, s := range seeds {
				jobs = append(jobs, job{r, p, s})
			}
		}
	}
	results := make([]lab.Result, len(jobs))
	next := make(chan int)
	var all sync.WaitGroup
	var crowd sync.Mutex
	for range max(o.parallel, 1) {
		all.Go(func() {
			for i := range next {
				j := jobs[i]
				if j.row.Crowd {
					crowd.Lock()
				}
				r := lab.Run(ctx, cfg, j.row, j.p, j.seed)
				if j.row.Crowd {
					crowd.Unlock()
				}
				results[i] = r
				verdict := "ok"
				if !r.Passed() {
					verdict = fmt.Sprintf("FAILED %v %s", r.Violations, r.Err)
				}
				fmt.Fprintf(stderr, "[%d/%d] %s %s seed %d: %.1f s, %s\n", i+1, len(jobs), r.Row, r.Profile, r.Seed, r.Took, short(verdict))
			}
		})
	}
	for i := range jobs {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	all.Wait()
	return slices.DeleteFunc(results, func(r lab.Result) bool { return r.Row == "" })
}

func short(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

func writeJSON(path string, results []lab.Result) error {
	data, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644) //nolint:gosec // for everybody
}
