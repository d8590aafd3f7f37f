//go:build linux

// Command scale measures how chat grows: with streams, processes, followers and messages. It
// also compares the simulation with what it measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"chat/internal/bench/records"
	"chat/internal/bench/scale"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	scenarios   string
	list        bool
	chatd, json string
	followers   int
	small       int
	large       int

	// The role of a process that holds followers.
	hold       int
	api, tasks string
}

// results are what is written as JSON. A scenario that was not run is missing.
type results struct {
	Streams   []scale.Run      `json:"streams,omitempty"`
	Processes []scale.Run      `json:"processes,omitempty"`
	Cluster   []scale.Run      `json:"cluster,omitempty"`
	Followers *scale.Idle      `json:"followers,omitempty"`
	Records   []records.Report `json:"records,omitempty"`
	Errors    []predicted      `json:"errors,omitempty"` // of the simulation
}

func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.scenarios, "scenarios", "", "names, with commas (default: all)")
	f.BoolVar(&o.list, "list", false, "list the scenarios")
	f.StringVar(&o.chatd, "chatd", "", "the chatd to measure (default: builds it)")
	f.StringVar(&o.json, "json", "", "write the results to this file, too; those of other scenarios stay in it")
	f.IntVar(&o.followers, "followers", 20_000, "idle followers")
	f.IntVar(&o.small, "small", 10_000, "messages of the small database")
	f.IntVar(&o.large, "large", 1_000_000, "messages of the large database")
	f.IntVar(&o.hold, "hold", 0, "only hold so many followers of -tasks at -api, until the input ends")
	f.StringVar(&o.api, "api", "", "host:port, of -hold")
	f.StringVar(&o.tasks, "tasks", "", "ids with commas, of -hold")
	if err := f.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := o.do(ctx, stdin, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

func (o options) do(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	switch {
	case o.hold > 0:
		api, err := netip.ParseAddrPort(o.api)
		if err != nil {
			return err
		}
		return scale.Hold(o.hold, api, strings.Split(o.tasks, ","), stdin, stdout)
	case o.list:
		for _, s := range scenarios() {
			fmt.Fprintf(stdout, "%-16s %s\n", s.name, s.what)
		}
		return nil
	}
	return o.measure(ctx, stdout, stderr)
}

// measure runs the selected scenarios, writes each as Markdown when it has ended, and all as JSON.
func (o options) measure(ctx context.Context, stdout, stderr io.Writer) error {
	stopBuilding, err := o.build(ctx, stderr)
	if err != nil {
		return err
	}
	defer stopBuilding()
	var r results
	if err := r.load(o.json); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s/%s, %d processors, %s\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	names := strings.Split(o.scenarios, ",")
	var errs []error
	for _, s := range scenarios() {
		if o.scenarios != "" && !slices.Contains(names, s.name) {
			continue
		}
		began := time.Now()
		fmt.Fprintf(stdout, "\n### %s: %s\n\n", s.name, s.what)
		if err := s.run(ctx, o, &r, stdout, stderr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", s.name, err))
		}
		fmt.Fprintf(stderr, "%s took %s\n", s.name, time.Since(began).Round(time.Second))
		if err := r.save(o.json); err != nil {
			return err
		}
	}
	return errors.Join(errs...)
}

// build builds chatd unless one was given, and returns a function that removes it.
func (o *options) build(ctx context.Context, stderr io.Writer) (func(), error) {
	var err error
	if o.chatd != "" {
		o.chatd, err = filepath.Abs(o.chatd)
		return func() {}, err
	}
	dir, err := os.MkdirTemp("", "chat-scale-build-")
	if err != nil {
		return nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) } // what is left is in a temporary directory
	o.chatd = filepath.Join(dir, "chatd")
	build := exec.CommandContext(ctx, "go", "build", "-o", o.chatd, "./cmd/chatd")
	build.Stderr = stderr
	if err := build.Run(); err != nil {
		remove()
		return nil, fmt.Errorf("build chatd: %w", err)
	}
	return remove, nil
}

// load reads the results of earlier runs, if there are some.
func (r *results) load(path string) error {
	if path == "" {
		return nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, r)
}

func (r *results) save(path string) error {
	if path == "" {
		return nil
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644) //nolint:gosec // it is no secret
}
