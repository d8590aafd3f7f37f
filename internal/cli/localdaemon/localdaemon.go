// Package localdaemon has the commands that manage the local daemon.
package localdaemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/local"
	"chat/internal/cli/arguments"
	"chat/internal/cli/connect"
	"chat/internal/cli/exit"
	"chat/internal/cli/output"
	"chat/internal/cli/signals"
)

// program is what the commands need of a run of chat.
type program struct {
	*output.Console
	server  *connect.Connector
	signals *signals.Signals
}

// Command returns the command daemon.
func Command(con *output.Console, server *connect.Connector, sig *signals.Signals) *cli.Command {
	p := &program{con, server, sig}
	return &cli.Command{
		Name: "daemon", Usage: "manage the local daemon: status, start, stop, restart, logs, install, uninstall",
		Description: `chat starts a local daemon automatically when it needs one. The daemon exits after 30 minutes
without work and without clients. Each data directory ($XDG_DATA_HOME/chat) has one daemon. The
daemon ignores the environment variables DATABASE_URL and REDIS_URL, which usually belong to
some project; set them in the config file instead.

Installation is optional. chat daemon install makes the daemon a service of your session: it
starts at each login, generates unfinished answers again, and keeps running when it is idle.`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return chat.Errorf(chat.CodeInvalid, "there is no command %q (`chat daemon --help` lists them)", "daemon "+c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{Name: "status", Usage: "show the status; exit with 7 if no daemon is running", ArgsUsage: arguments.NoArguments, Flags: []cli.Flag{arguments.JSONFlag("the status")}, Action: p.status},
			{Name: "start", Usage: "start the daemon, unless it is running", ArgsUsage: arguments.NoArguments, Action: p.start},
			{Name: "stop", Usage: "stop the daemon; running answers return to the queue", ArgsUsage: arguments.NoArguments, Flags: []cli.Flag{forceFlag()}, Action: p.stop},
			{Name: "restart", Usage: "stop, then start", ArgsUsage: arguments.NoArguments, Flags: []cli.Flag{forceFlag()}, Action: p.restart},
			{
				Name: "logs", Usage: "show the daemon's log", ArgsUsage: arguments.NoArguments, Action: p.logs,
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 50, Usage: "print the last `N` lines"},
					&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "print new lines as they are written", DisableDefaultText: true},
				},
			},
			{
				Name: "install", Usage: "let systemd or launchd start the daemon at login", ArgsUsage: arguments.NoArguments, Action: p.install,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "print", Usage: "print the service definition and change nothing", DisableDefaultText: true}},
			},
			{Name: "uninstall", Usage: "undo install", ArgsUsage: arguments.NoArguments, Action: p.uninstall},
			{Name: "run", Usage: "run the local daemon in the foreground", ArgsUsage: arguments.NoArguments, Hidden: true, Action: p.run},
		},
	}
}

func forceFlag() cli.Flag {
	return &cli.BoolFlag{Name: "force", Usage: "kill the daemon if it does not stop in time", DisableDefaultText: true}
}

func (p *program) status(c *cli.Context) error {
	s, err := p.server.Starter()
	if err != nil {
		return err
	}
	st, err := s.Status(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = output.WriteJSON(p.Out, st)
	} else {
		err = connect.WriteStatus(p.Out, st, s.Paths)
	}
	if err == nil && !st.Healthy {
		err = exit.With(exit.Daemon)
	}
	return err
}

func (p *program) start(c *cli.Context) error {
	s, err := p.server.Starter()
	if err != nil {
		return err
	}
	if _, err := s.Endpoint(c.Context); err != nil {
		return err
	}
	st, err := s.Status(c.Context)
	if err == nil {
		p.Infof("the local daemon is running as process %d", st.PID)
	}
	return err
}

func (p *program) stop(c *cli.Context) error {
	s, err := p.server.Starter()
	if err != nil {
		return err
	}
	stopped, err := s.Stop(c.Context, c.Bool("force"))
	switch {
	case err != nil:
		return err
	case stopped:
		p.Infof("stopped the local daemon")
	default:
		p.Infof("the local daemon was not running")
	}
	return nil
}

func (p *program) restart(c *cli.Context) error {
	if err := p.stop(c); err != nil {
		return err
	}
	return p.start(c)
}

func (p *program) logs(c *cli.Context) error {
	if c.Int("lines") < 0 {
		return chat.Errorf(chat.CodeInvalid, "--lines must not be negative")
	}
	s, err := p.server.Starter()
	if err != nil {
		return err
	}
	path := s.Paths.Log()
	lines, length, err := local.LastLines(path, c.Int("lines"))
	if errors.Is(err, fs.ErrNotExist) {
		return connect.NoLogError(c.Context, s)
	}
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.Out, line); err != nil {
			return err
		}
	}
	if !c.Bool("follow") {
		return nil
	}
	return connect.FollowLog(c.Context, p.Out, path, max(length, 0))
}

// run runs the daemon. At the first SIGTERM or SIGINT it waits for running
// answers; at the second it releases them immediately. It ignores SIGHUP.
func (p *program) run(c *cli.Context) error {
	signal.Ignore(syscall.SIGHUP)
	p.signals.Close() // the daemon handles its own signals
	log := slog.New(slog.NewTextHandler(connect.LogWriter(p.Console), nil))
	o, err := p.server.ServeOptions(func(cfg *daemon.Config) {
		cfg.Logger = log
		if _, set := p.Lookup("CHATD_DRAIN"); !set {
			cfg.Drain = connect.LocalDrain
		}
	})
	if err != nil {
		return err
	}
	ctx, stop, release := signals.Shutdown(context.WithoutCancel(c.Context))
	defer release()
	return local.ServeChild(ctx, stop, o)
}
