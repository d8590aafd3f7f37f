package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/browser"
	"chat/internal/cli/connect"
	"chat/internal/cli/exit"
	"chat/internal/cli/fullscreen"
	"chat/internal/cli/keys"
	"chat/internal/cli/localdaemon"
	"chat/internal/cli/output"
	"chat/internal/cli/prompt"
	"chat/internal/cli/settings"
	"chat/internal/cli/signals"
	_ "chat/internal/term/background" // must come before bubbletea: see its comment
)

// stdio are the three standard files. They are files because chat behaves
// differently on a terminal, a pipe and a regular file.
type stdio struct {
	in, out, err *os.File
}

// program is one run of chat: its methods are the commands.
type program struct {
	*output.Console
	server  *connect.Connector
	signals *signals.Signals
	watcher *answer.Watcher
	reader  *prompt.Reader
	editor  *prompt.Editor
	screen  *fullscreen.Screen
	keys    *keys.Keeper
}

// newProgram returns a program for one run. Signals may be nil in tests.
func newProgram(std stdio, lookup func(string) (string, bool), sig *signals.Signals) *program {
	con := output.NewConsole(std.in, std.out, std.err, lookup)
	server := connect.New(con)
	return &program{
		Console: con, server: server, signals: sig,
		watcher: answer.NewWatcher(con, server, sig),
		reader:  prompt.NewReader(con, func() (string, error) { return settings.SchemaDir(lookup) }), editor: prompt.NewEditor(con, sig), screen: fullscreen.New(con), keys: keys.New(con, server),
	}
}

// run runs the program and returns the exit code.
func run(ctx context.Context, args []string, std stdio, lookup func(string) (string, bool)) int {
	ctx, sig := signals.Notify(ctx)
	p := newProgram(std, lookup, sig)
	defer p.signals.Close()
	app := p.app()
	help := &errorWriter{w: p.Out}
	app.Writer = help
	reordered, err := arguments.Reorder(app, args)
	if err == nil {
		err = cmp.Or(app.RunContext(ctx, reordered), help.err)
	}
	return p.report(ctx, err)
}

// errorWriter keeps the first write error, because the help printer ignores write errors.
type errorWriter struct {
	w   io.Writer
	err error
}

func (c *errorWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.err = cmp.Or(c.err, err)
	return n, err
}

// report prints err unless it was printed before, and returns the exit code.
func (p *program) report(ctx context.Context, err error) int {
	if s := (signals.ReceivedError{}); errors.As(context.Cause(ctx), &s) {
		return s.ExitCode()
	}
	if err == nil {
		return exit.OK
	}
	if c := exit.CodeError(0); errors.As(err, &c) {
		return int(c) // already printed
	}
	if errors.Is(err, syscall.EPIPE) {
		return exit.Pipe // the reader has exited
	}
	p.Warnf("%s", err)
	return exit.Of(chat.CodeOf(err))
}

// app returns the tree of commands. It does no I/O.
func (p *program) app() *cli.App {
	root := p.rootCommand()
	root.Action = p.rootOrSend
	app := &cli.App{
		Name:                      "chat",
		Usage:                     "AI chat in the terminal that never loses an answer",
		UsageText:                 "chat [flags] [PROMPT…]\nchat COMMAND [flags] [arguments]",
		Description:               rootDescription,
		Version:                   daemon.Version,
		HideVersion:               true, // -v is --verbose; the command is version
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ErrWriter:                 p.Err,
		ExitErrHandler:            func(*cli.Context, error) {},
		Flags:                     slices.Concat(arguments.SendFlags(), arguments.RootFlags(), arguments.CommonFlags(), []cli.Flag{cli.HelpFlag}),
		Commands: []*cli.Command{
			root, p.sendCommand(), p.attachCommand(), p.retryCommand(), p.continueCommand(), p.editCommand(),
			p.psCommand(), p.topCommand(), browser.Command(p.Console, p.withClient), p.stopCommand(), p.waitCommand(),
			p.lsCommand(), p.searchCommand(), p.showCommand(), p.renameCommand(), p.forkCommand(), p.compactCommand(), p.exportCommand(), p.importCommand(), p.rmCommand(),
			p.modelsCommand(), p.rolesCommand(), p.usageCommand(), p.doctorCommand(), p.authCommand(), p.configCommand(), localdaemon.Command(p.Console, p.server, p.signals), p.completionCommand(), p.completeCommand(), p.manCommand(), p.versionCommand(), p.helpCommand(),
		},
	}
	prepare(app.Commands, p, false)
	return app
}

// needsNoServer reports whether a command never connects to a server.
func needsNoServer(name string) bool {
	switch name {
	case "auth", "daemon", "config", "roles", "completion", "man", "version", "help":
		return true
	}
	return false
}

// prepare sets the fields that all commands share.
func prepare(commands []*cli.Command, p *program, local bool) {
	for _, c := range commands {
		local := local || needsNoServer(c.Name)
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if len(c.Subcommands) == 0 {
			c.Flags = slices.Concat(c.Flags, arguments.ServerFlags(local), arguments.NoticeFlags())
			c.Before = p.checkCommon
			if local {
				c.Before = p.checkLocal
			}
		}
		prepare(c.Subcommands, p, local)
	}
}

// checkCommon reads and checks the flags that every command has.
func (p *program) checkCommon(c *cli.Context) error {
	if c.Command.ArgsUsage == arguments.NoArguments && c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "%s takes no arguments, and got %q", c.Command.HelpName, c.Args().First())
	}
	if c.IsSet("timeout") && c.Duration("timeout") <= 0 {
		return chat.Errorf(chat.CodeInvalid, "--timeout must be longer than 0")
	}
	p.Quiet, p.Verbose, p.Color = c.Bool("quiet"), c.Bool("verbose"), c.String("color")
	switch p.Color {
	case "auto", "always", "never":
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "--color must be auto, always or never, not %q", p.Color)
}

// checkLocal is checkCommon for the commands that need no server. It refuses the flags that
// name a server.
func (p *program) checkLocal(c *cli.Context) error {
	isDaemon := strings.HasPrefix(c.Command.HelpName, "chat daemon")
	switch {
	case c.IsSet("host") && isDaemon:
		return chat.Errorf(chat.CodeInvalid, "`chat daemon` manages the local daemon, but --host names another server: leave out --host, or manage that server where it runs")
	case c.IsSet("host"):
		return chat.Errorf(chat.CodeInvalid, "--host does not apply to `%s`: leave it out", c.Command.HelpName)
	case c.IsSet("no-daemon"):
		return chat.Errorf(chat.CodeInvalid, "--no-daemon does not apply to `%s`: leave it out", c.Command.HelpName)
	}
	err := p.checkCommon(c)
	if err == nil && isDaemon && !c.Command.Hidden && p.Env("CHAT_HOST") != "" {
		p.Infof("this command manages the local daemon; CHAT_HOST is ignored")
	}
	return err
}

// usageError is the error of the flag parser with a hint to --help. Reorder reports
// most errors first, with better messages.
func usageError(c *cli.Context, err error, _ bool) error {
	name := c.Command.HelpName
	if name == "" || c.Command.Name == arguments.RootName {
		name = "chat"
	}
	return chat.Errorf(chat.CodeInvalid, "%s (`%s --help` lists the flags)", err.Error(), name)
}
