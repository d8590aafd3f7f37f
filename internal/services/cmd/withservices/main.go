// Command withservices runs a command with the services that the tests need:
//
//	withservices go test -race ./...
//	withservices -also=nginx,haproxy command
//	withservices -also=chromium,python3-websockets command
//
// With chromium come the npm packages for tests with a browser.
//
// It installs the programs that are missing (Debian's packages, through sudo
// when it is not root), starts a Redis and a PostgreSQL server on private
// loopback ports, hands their URLs to the command in the environment (see
// package services), forwards signals, ends exactly what it started, and exits
// with the command's exit code.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"chat/internal/services"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// exitSetup is the exit code when the command could not be started.
const exitSetup = 125

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var also []string
	if len(args) > 0 {
		if names, ok := strings.CutPrefix(args[0], "-also="); ok {
			also, args = strings.Split(names, ","), args[1:]
		}
	}
	if len(args) == 0 {
		fmt.Fprintln(stderr, "usage: withservices [-also=program,…] command [argument…]")
		return exitSetup
	}
	// Until the command runs, a signal ends the preparations; then it is the
	// command's to end.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	s, err := start(ctx, also, signals, stdin, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "withservices:", err)
		return exitSetup
	}
	code, err := command(args, s.env, signals, stdin, stdout, stderr)
	if err = errors.Join(err, s.stop()); err != nil {
		fmt.Fprintln(stderr, "withservices:", err)
		return max(code, 1)
	}
	return code
}

// started is what runs beside the command.
type started struct {
	env      []string
	redis    *services.RedisServer
	postgres *services.PostgresServer
	dir      string
}

func start(ctx context.Context, also []string, signals <-chan os.Signal, stdin io.Reader, stderr io.Writer) (*started, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	prepared := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case sig := <-signals:
			cancel(fmt.Errorf("stopped by %v", sig))
		case <-prepared:
		}
	}()
	s, err := prepare(ctx, also, stdin, stderr)
	close(prepared)
	<-watched
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(context.Cause(ctx), err, s.stop())
	}
	return s, nil
}

// prepare installs and starts everything. What it returns has to be stopped,
// with an error too.
func prepare(ctx context.Context, also []string, stdin io.Reader, stderr io.Writer) (*started, error) {
	s := &started{}
	if err := install(ctx, also, stdin, stderr); err != nil {
		return s, err
	}
	cache, err := cacheDir()
	if err != nil {
		return s, err
	}
	modules, err := services.InstallNodeModules(ctx, cache, services.NodeTests)
	if err != nil {
		return s, err
	}
	if slices.Contains(also, chromium) {
		browser, err := services.InstallNodeModules(ctx, cache, services.NodeBrowser)
		if err != nil {
			return s, err
		}
		s.env = append(s.env, services.EnvBrowserModules+"="+browser)
	}
	if s.dir, err = os.MkdirTemp("", "chat-services-"); err != nil {
		return s, err
	}
	if s.redis, err = services.LaunchRedis(ctx, s.dir); err != nil {
		return s, err
	}
	if s.postgres, err = services.LaunchPostgres(ctx); err != nil {
		return s, err
	}
	s.env = append(s.env,
		services.EnvRedis+"="+s.redis.URL(),
		services.EnvPostgres+"="+s.postgres.URL(),
		services.EnvNodeModules+"="+modules,
	)
	return s, nil
}

func (s *started) stop() error {
	var err error
	if s.redis != nil {
		err = errors.Join(err, s.redis.Kill())
	}
	if s.postgres != nil {
		err = errors.Join(err, s.postgres.Remove())
	}
	if s.dir != "" {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// command runs args and returns its exit code, 128 + n if signal n ended it.
func command(args, env []string, signals <-chan os.Signal, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stdout, stderr
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		return exitSetup, err
	}
	ended, forwarded := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(forwarded)
		for {
			select {
			case sig := <-signals:
				// It fails only if the command has just ended.
				_ = cmd.Process.Signal(sig)
			case <-ended:
				return
			}
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-forwarded
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		return exit.ExitCode(), nil
	}
	return 0, err
}

// cacheDir is where installed npm packages are kept between runs.
func cacheDir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil { // no home: a new directory would never be found again
		dir = os.TempDir()
	}
	return filepath.Abs(filepath.Join(dir, fmt.Sprintf("chat-tests-%d", os.Getuid())))
}
