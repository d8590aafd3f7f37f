// Command bench measures chat next to the minimum that could do the same; see
// package bench.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/internal/bench"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	// The roles that the program runs itself in, besides measuring.
	provider, floor, batch   bool
	listen, redis, providers string

	rounds             int
	scenarios, targets string
	chatd              string
	json, markdown     string
	profiles           string
	list, verbose      bool
	screen, server     bool
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&o.provider, "serve", false, "only serve the provider, on -listen")
	f.BoolVar(&o.floor, "floor", false, "only serve the floor with one round trip a chunk, on -listen")
	f.BoolVar(&o.batch, "floor-batch", false, "only serve the floor that shares round trips, on -listen")
	f.StringVar(&o.listen, "listen", "127.0.0.1:0", "host:port")
	f.StringVar(&o.redis, "redis", "", "host:port, of a floor")
	f.StringVar(&o.providers, "provider", "", "base URL, of a floor")
	f.IntVar(&o.rounds, "rounds", 1, "how often each scenario is run; the medians are reported")
	f.StringVar(&o.scenarios, "scenarios", "", "names, with commas (default: all)")
	f.StringVar(&o.targets, "targets", "", "names, with commas (default: all)")
	f.StringVar(&o.chatd, "chatd", "", "the chatd to measure (default: builds it)")
	f.StringVar(&o.json, "json", "", "write the results to this file, too")
	f.StringVar(&o.markdown, "markdown", "", "and the tables to this one")
	f.BoolVar(&o.screen, "screen", true, "measure the screen, the command line and the search (not with -scenarios or -targets)")
	f.BoolVar(&o.server, "server", true, "measure the server")
	f.StringVar(&o.profiles, "profiles", "", "write profiles of the targets, by perf, to this directory; they cost time")
	f.BoolVar(&o.verbose, "goals", false, "list the goals that are reached, too")
	f.BoolVar(&o.list, "list", false, "list the scenarios and the targets")
	if err := f.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case o.provider:
		err = serve(ctx, o.listen, bench.Provider(), stdout)
	case o.floor, o.batch:
		rdb := redis.NewClient(&redis.Options{Addr: o.redis, PoolSize: 64})
		err = serve(ctx, o.listen, bench.NewFloor(ctx, rdb, o.providers, o.batch), stdout)
	case o.list:
		for _, s := range bench.Scenarios() {
			fmt.Fprintf(stdout, "scenario  %-15s %s\n", s.Name, s.What)
		}
		for _, s := range bench.ScreenScenarios() {
			fmt.Fprintf(stdout, "screen    %-15s %s\n", s.Name, s.What)
		}
		for _, t := range bench.Targets() {
			fmt.Fprintf(stdout, "target    %-15s %s\n", t.Name, t.What)
		}
	default:
		err = o.measure(ctx, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// serve prints its address and serves until ctx ends.
func serve(ctx context.Context, address string, h http.Handler, stdout io.Writer) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, l.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ErrorLog: nil}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// measure measures the selected scenarios, the server first, and reports all
// results.
func (o options) measure(ctx context.Context, stdout, stderr io.Writer) error {
	began := time.Now()
	var results bench.Results
	var failed error
	if o.server {
		results, failed = o.measureServer(ctx, stderr)
	}
	if o.screen && o.scenarios == "" && o.targets == "" && ctx.Err() == nil {
		more, err := bench.Screen(ctx, o.rounds, stderr)
		results, failed = append(results, more...), errors.Join(failed, err)
	}
	fmt.Fprintf(stdout, "%s, %d processors, %s, %d rounds, %s. In brackets: ratios to floor-batch, or to the baseline.\n",
		runtime.GOOS+"/"+runtime.GOARCH, runtime.NumCPU(), runtime.Version(), o.rounds, time.Since(began).Round(time.Second))
	failed = errors.Join(failed, results.Write(stdout))
	if verdicts := results.Judge(bench.Goals()); len(verdicts) > 0 {
		failed = errors.Join(failed, bench.WriteVerdicts(stdout, verdicts, o.verbose))
	}
	return errors.Join(failed, o.save(results))
}

func (o options) measureServer(ctx context.Context, stderr io.Writer) (bench.Results, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if o.chatd == "" {
		dir, err := os.MkdirTemp("", "chat-bench-build-")
		if err != nil {
			return nil, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		o.chatd = filepath.Join(dir, "chatd")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.chatd, "./cmd/chatd")
		build.Stderr = stderr
		if err := build.Run(); err != nil {
			return nil, fmt.Errorf("build chatd: %w", err)
		}
	}
	if o.chatd, err = filepath.Abs(o.chatd); err != nil {
		return nil, err
	}
	base, stop, err := startProvider(ctx, self)
	if err != nil {
		return nil, err
	}
	defer stop()
	c := bench.Config{
		Programs: bench.Programs{Bench: self, Chatd: o.chatd}, Provider: base, Rounds: o.rounds,
		Scenarios: split(o.scenarios), Targets: split(o.targets),
		Profiles: o.profiles, Progress: stderr,
	}
	return bench.Run(ctx, c)
}

func (o options) save(results bench.Results) error {
	if o.markdown != "" {
		f, err := os.Create(o.markdown)
		if err != nil {
			return err
		}
		if err := errors.Join(results.Write(f), f.Close()); err != nil {
			return err
		}
	}
	if o.json == "" {
		return nil
	}
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(data, '\n'), 0o644) //nolint:gosec // it is no secret
}

// startProvider starts the provider as a process of its own, so that its cost is
// not counted.
func startProvider(ctx context.Context, self string) (base string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, self, "-serve")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		return "", nil, fmt.Errorf("the provider did not say where it is: %w", err)
	}
	return "http://" + address + "/v1", func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed is how it ends
	}, nil
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
