package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/local"
)

// Exit codes, the same as those of chat.
const (
	exitOK          = 0
	exitInternal    = 1
	exitUsage       = 2
	exitUnconfigued = 4
	exitDaemon      = 7
)

const description = `Without settings chatd serves one user: SQLite and an embedded Redis-compatible
engine in the data directory, on a unix socket that chat finds by itself.

With DATABASE_URL and REDIS_URL any number of processes share the work:

  chatd --role api --listen tcp://127.0.0.1:8080
  chatd --role worker

TCP always asks for a bearer token: CHATD_TOKEN, or the token file.
Settings come from flags, then the environment, then .env, then config.toml.
SIGINT or SIGTERM lets running answers finish (--drain); a second one hands them
back to the queue at once.`

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, lookup func(string) (string, bool)) int {
	app := &cli.App{
		Name: "chatd", Usage: "the daemon of chat", Description: description, Version: daemon.Version,
		Writer: stdout, ErrWriter: stderr, HideHelpCommand: true, ArgsUsage: " ",
		ExitErrHandler: func(*cli.Context, error) {},
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return chat.Errorf(chat.CodeInvalid, "%w; chatd --help lists the flags", err)
		},
		Action: func(c *cli.Context) error { return serve(c, stderr, lookup) }, //nolint:contextcheck // the ctx of RunContext is in c
	}
	for _, s := range daemon.Settings() {
		// The environment is read by LoadConfig; here it is only documented.
		app.Flags = append(app.Flags, &cli.StringFlag{Name: s.Name, Usage: s.Usage + " [$" + s.Env + "]"})
	}
	err := app.RunContext(ctx, args)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "chatd:", err)
	switch chat.CodeOf(err) {
	case chat.CodeInvalid:
		return exitUsage
	case chat.CodeNotConfigured:
		return exitUnconfigued
	case chat.CodeDaemon, chat.CodeStorage, chat.CodeUnavailable:
		return exitDaemon
	default:
		return exitInternal
	}
}

func serve(c *cli.Context, stderr io.Writer, lookup func(string) (string, bool)) error {
	if c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "chatd takes no arguments, got %q; chatd --help lists the flags", c.Args().First())
	}
	paths, err := local.FindPaths(lookup)
	if err != nil {
		return err
	}
	flags := map[string]string{}
	for _, name := range c.LocalFlagNames() {
		flags[name] = c.String(name)
	}
	cfg, err := daemon.LoadConfig(lookup, daemon.Sources{Flags: flags, DotEnv: ".env", ConfigFile: paths.ConfigFile()})
	if err != nil {
		return err
	}
	if _, set := lookup("CHATD_IDLE"); !set && flags["idle"] == "" {
		cfg.Idle = 0 // in the foreground somebody ends it
	}
	cfg.FetchKey(c.Context)
	cfg.DataDir, cfg.Instance = paths.Data, uuid.NewString()
	cfg.Logger = newLogger(stderr, cfg)
	log.SetFlags(0) // what other packages log becomes lines like ours
	log.SetOutput(slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn).Writer())

	ctx, stop, done := signals(c.Context, cfg.Logger)
	defer done()
	if cfg.Role == daemon.RoleWorker || cfg.DatabaseURL != "" && len(cfg.Listen) > 0 {
		if err := os.MkdirAll(paths.Data, 0o700); err != nil { // for the token
			return chat.Errorf(chat.CodeStorage, "the data directory cannot be made: %w", err)
		}
		return daemon.Run(ctx, cfg, stop, func() {})
	}
	return local.Serve(ctx, stop, local.ServeOptions{
		Paths: paths, Protocol: client.Range{Min: daemon.ProtocolMin, Max: daemon.ProtocolMax},
		Version: daemon.Version, Instance: cfg.Instance,
		Run: func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error {
			cfg.Local, cfg.Listener = true, l
			return daemon.Run(ctx, cfg, stop, ready)
		},
		Ready: func(i local.Info) { cfg.Logger.Info("listening", "address", "unix://"+i.Socket) },
	})
}

// signals ends in two stages: the first signal closes stop, the second ends ctx.
func signals(ctx context.Context, logger *slog.Logger) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop, quit := make(chan struct{}), make(chan struct{})
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			select {
			case <-quit:
				return
			case s := <-ch:
				if n == 0 {
					logger.Info("finishing running answers; a second signal hands them back at once", "signal", s.String())
					close(stop)
				} else {
					cancel(errors.New("a second " + s.String()))
				}
			}
		}
	}()
	return ctx, stop, func() {
		signal.Stop(ch)
		close(quit)
		<-ended
		cancel(nil)
	}
}

// newLogger writes text or JSON lines, without what may be secret in them.
func newLogger(w io.Writer, cfg daemon.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		for _, secret := range []string{cfg.ProviderKey, cfg.Token} {
			if s := a.Value.String(); len(secret) >= 8 && strings.Contains(s, secret) {
				a.Value = slog.StringValue(strings.ReplaceAll(s, secret, "***"))
			}
		}
		return a
	}}
	if cfg.LogJSON {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
