package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log" //nolint:depguard // what other packages log is caught
	"log/slog"
	"net"
	"os"
	"os/signal"
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
engine in the data directory, on a unix socket that chat finds automatically.

With DATABASE_URL and REDIS_URL any number of processes share the work:

  chatd --role api --listen tcp://127.0.0.1:8080
  chatd --role worker

TCP always asks for a bearer token: CHATD_TOKEN, or the token file.
Settings come from flags, then the environment, then .env, then config.toml.
SIGINT or SIGTERM lets running answers finish (--drain); a second one returns
them to the queue immediately. SIGHUP reads the log level and the bearer token again.`

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
	paths, noHome := local.FindPaths(lookup) // an error only for who needs a directory
	flags := map[string]string{}
	for _, name := range c.LocalFlagNames() {
		flags[name] = c.String(name)
	}
	load := func() (daemon.Config, error) {
		cfg, err := daemon.LoadConfig(lookup, daemon.Sources{Flags: flags, DotEnv: ".env", ConfigFile: paths.ConfigFile()})
		cfg.DataDir = paths.Data
		return cfg, err
	}
	cfg, err := load()
	if err != nil {
		return err
	}
	apart := cfg.Role == daemon.RoleWorker || cfg.DatabaseURL != "" && len(cfg.Listen) > 0
	if noHome != nil && (!apart || cfg.NeedsDataDir()) {
		return homeless(cfg, noHome)
	}
	if _, set := lookup("CHATD_IDLE"); !set && flags["idle"] == "" {
		cfg.Idle = 0 // in the foreground the user ends it
	}
	cfg.FetchKey(c.Context)
	cfg.Instance = uuid.NewString()
	log := newLogging(stderr, cfg)
	cfg.Logger = log.Logger
	stdlog.SetFlags(0) // what other packages log becomes lines like ours
	stdlog.SetOutput(slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn).Writer())

	ctx, stop, reload, done := signals(c.Context, cfg.Logger)
	defer done()
	reloads := make(chan daemon.Config, 1)
	cfg.Reloads = reloads
	defer log.reload(reload, load, reloads)()
	if apart {
		if cfg.NeedsDataDir() {
			if err := os.MkdirAll(paths.Data, 0o700); err != nil {
				return chat.Errorf(chat.CodeStorage, "the data directory cannot be made (%w): set CHATD_TOKEN, so that none is needed", err)
			}
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

// homeless says what chatd needs a home directory for, and how to do without.
func homeless(cfg daemon.Config, err error) error {
	switch {
	case cfg.DatabaseURL == "":
		return chat.Errorf(chat.CodeNotConfigured, "%w; or set DATABASE_URL and --listen, and chatd keeps nothing there", err)
	case len(cfg.Listen) == 0:
		return chat.Errorf(chat.CodeNotConfigured, "there is nothing to listen on: pass --listen tcp://host:port, or set HOME for a socket that chat finds automatically")
	default:
		return chat.Errorf(chat.CodeNotConfigured, "there is no home directory to keep a token in: set CHATD_TOKEN or CHATD_TOKEN_FILE, or HOME")
	}
}

// signals ends in two stages: the first signal closes stop, the second ends ctx.
// Each SIGHUP is passed on to reload.
func signals(ctx context.Context, logger *slog.Logger) (_ context.Context, stopped <-chan struct{}, reload <-chan os.Signal, done func()) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
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
					logger.Info("finishing running answers; a second signal returns them to the queue immediately", "signal", s.String())
					close(stop)
				} else {
					cancel(errors.New("a second " + s.String()))
				}
			}
		}
	}()
	return ctx, stop, hup, func() {
		signal.Stop(ch) // SIGHUP stays caught: it must not end what is on its way out
		close(quit)
		<-ended
		cancel(nil)
	}
}
