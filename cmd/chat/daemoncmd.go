package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/local"
)

func (p *program) daemonCommand() *cli.Command {
	return &cli.Command{
		Name: "daemon", Usage: "the local daemon: status, start, stop, restart, logs, install, uninstall",
		Description: `chat starts a local daemon by itself when it needs one, and the daemon ends by
itself after 30 minutes without work and without clients. There is one for each
data directory ($XDG_DATA_HOME/chat). It does not read DATABASE_URL and REDIS_URL,
which in a shell usually belong to some project; the config file may set them.

Nothing has to be installed. Who wants the daemon to be there always, and its answers to go on
at every login, has it installed as a service of the session; it then stays when it is idle.`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return chat.Errorf(chat.CodeInvalid, "there is no command %q (`chat daemon --help` lists them)", "daemon "+c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{Name: "status", Usage: "how it stands; exits with 7 if none is running", ArgsUsage: noArguments, Flags: []cli.Flag{jsonFlag("the status")}, Action: p.daemonStatus},
			{Name: "start", Usage: "start it, unless it is running", ArgsUsage: noArguments, Action: p.daemonStart},
			{Name: "stop", Usage: "end it; running answers are made by the next one", ArgsUsage: noArguments, Flags: []cli.Flag{forceFlag()}, Action: p.daemonStop},
			{Name: "restart", Usage: "stop, then start", ArgsUsage: noArguments, Flags: []cli.Flag{forceFlag()}, Action: p.daemonRestart},
			{
				Name: "logs", Usage: "show its log", ArgsUsage: noArguments, Action: p.daemonLogs,
				Flags: []cli.Flag{
					&cli.IntFlag{Name: "lines", Aliases: []string{"n"}, Value: 50, Usage: "the last `N` lines"},
					&cli.BoolFlag{Name: "follow", Aliases: []string{"f"}, Usage: "go on as it grows", DisableDefaultText: true},
				},
			},
			{
				Name: "install", Usage: "have systemd or launchd start it with your session, and keep it", ArgsUsage: noArguments, Action: p.daemonInstall,
				Flags: []cli.Flag{&cli.BoolFlag{Name: "print", Usage: "print the service's definition, and change nothing", DisableDefaultText: true}},
			},
			{Name: "uninstall", Usage: "undo install", ArgsUsage: noArguments, Action: p.daemonUninstall},
			{Name: "run", Usage: "be the local daemon, in the foreground", ArgsUsage: noArguments, Hidden: true, Action: p.daemonRun},
		},
	}
}

func forceFlag() cli.Flag {
	return &cli.BoolFlag{Name: "force", Usage: "kill it if it does not end", DisableDefaultText: true}
}

func (p *program) daemonStatus(c *cli.Context) error {
	s, err := p.starter()
	if err != nil {
		return err
	}
	st, err := s.Status(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = writeJSON(p.out, st)
	} else {
		err = p.printStatus(st, s.Paths)
	}
	if err == nil && !st.Healthy {
		err = exitWith(exitDaemon)
	}
	return err
}

func (p *program) printStatus(st local.Status, paths local.Paths) error {
	var b strings.Builder
	switch {
	case !st.Running:
		b.WriteString("not running (chat starts it when it needs it)\n")
	case st.Healthy:
		fmt.Fprintf(&b, "running as process %d", st.PID)
		if st.Info.InProcess {
			b.WriteString(", inside a chat --no-daemon")
		}
		fmt.Fprintf(&b, ", since %s (%s)\n", st.Info.StartedAt.Local().Format(time.DateTime), age(st.Info.StartedAt))
		fmt.Fprintf(&b, "version   %s, protocol %d to %d\n", st.Hello.Version, st.Hello.Protocol.Min, st.Hello.Protocol.Max)
		fmt.Fprintf(&b, "socket    %s\n", st.Info.Socket)
	default:
		fmt.Fprintf(&b, "process %d: %s\n", st.PID, st.Problem)
	}
	fmt.Fprintf(&b, "data      %s\nlog       %s\n", paths.Data, paths.Log())
	_, err := io.WriteString(p.out, b.String())
	return err
}

func (p *program) daemonStart(c *cli.Context) error {
	s, err := p.starter()
	if err != nil {
		return err
	}
	if _, err := s.Endpoint(c.Context); err != nil {
		return err
	}
	st, err := s.Status(c.Context)
	if err == nil {
		p.infof("the local daemon is running as process %d", st.PID)
	}
	return err
}

func (p *program) daemonStop(c *cli.Context) error {
	s, err := p.starter()
	if err != nil {
		return err
	}
	stopped, err := s.Stop(c.Context, c.Bool("force"))
	switch {
	case err != nil:
		return err
	case stopped:
		p.infof("the local daemon has ended")
	default:
		p.infof("the local daemon was not running")
	}
	return nil
}

func (p *program) daemonRestart(c *cli.Context) error {
	if err := p.daemonStop(c); err != nil {
		return err
	}
	return p.daemonStart(c)
}

// logPoll is how often a log that is followed is looked at.
const logPoll = 200 * time.Millisecond

func (p *program) daemonLogs(c *cli.Context) error {
	if c.Int("lines") < 0 {
		return chat.Errorf(chat.CodeInvalid, "--lines cannot be negative")
	}
	s, err := p.starter()
	if err != nil {
		return err
	}
	path := s.Paths.Log()
	lines, length, err := local.LastLines(path, c.Int("lines"))
	if errors.Is(err, fs.ErrNotExist) {
		return p.noLog(c, s)
	}
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	if !c.Bool("follow") {
		return nil
	}
	return p.followLog(c.Context, path, max(length, 0))
}

// noLog says why there is no log.
func (p *program) noLog(c *cli.Context, s *local.Starter) error {
	if st, err := s.Status(c.Context); err == nil && st.Running {
		return chat.Errorf(chat.CodeNotFound, "%s was moved away or removed: the daemon begins another one with its next line", s.Paths.Log())
	}
	return chat.Errorf(chat.CodeNotFound, "there is no log yet: %s", s.Paths.Log())
}

// followLog writes a log as it grows, until ctx ends.
func (p *program) followLog(ctx context.Context, path string, offset int64) (err error) {
	var log *local.LogFollower
	defer func() {
		if log != nil {
			err = errors.Join(err, log.Close())
		}
	}()
	poll := time.NewTicker(logPoll)
	defer poll.Stop()
	for {
		if log == nil {
			if log, err = local.FollowLog(path, offset); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			offset = 0
		}
		if log != nil {
			if err := log.Copy(p.out); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-poll.C:
		}
	}
}

// daemonRun is the daemon itself. A first SIGTERM or SIGINT lets running answers
// end, a second one hands them back at once. SIGHUP means nothing to it.
func (p *program) daemonRun(c *cli.Context) error {
	signal.Ignore(syscall.SIGHUP)
	p.signals.close() // those of a client
	log := slog.New(slog.NewTextHandler(p.daemonLog(), nil))
	o, err := p.serveOptions(func(cfg *daemon.Config) {
		cfg.Logger = log
		if _, set := p.lookup("CHATD_DRAIN"); !set {
			cfg.Drain = localDrain
		}
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.Context))
	defer cancel(nil)
	stop := make(chan struct{})
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, ok := <-ch; !ok {
			return
		}
		close(stop)
		if sig, ok := (<-ch).(syscall.Signal); ok {
			cancel(signalled{sig})
		}
	}()
	err = local.ServeChild(ctx, stop, o)
	signal.Stop(ch)
	close(ch)
	<-ended
	return err
}

// daemonLog is where a daemon writes its log: into the file, which it puts aside in
// time, or to whoever runs it in the foreground.
func (p *program) daemonLog() io.Writer {
	paths, err := local.FindPaths(p.lookup)
	if err == nil {
		if log := local.NewLogWriter(paths.Log(), p.err); log != nil {
			return log
		}
	}
	return p.err
}
