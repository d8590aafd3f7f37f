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
	_ "chat/internal/term/background" // before anything imports bubbletea: see there
)

// stdio are the three standard files. They are files, because what they are
// (a terminal, a pipe, a file) decides how chat behaves.
type stdio struct {
	in, out, err *os.File
}

// program is one run of chat.
type program struct {
	stdio
	lookup  func(string) (string, bool)
	signals *signals
	quiet   bool
	verbose bool
	color   string // auto, always or never
	lines   lines
	// inProcess says that the server is ours, and ends with us.
	inProcess bool
	// remote says that --host or CHAT_HOST names the server.
	remote bool
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, std stdio, lookup func(string) (string, bool)) int {
	p := &program{stdio: std, lookup: lookup, color: "auto"}
	ctx, p.signals = notify(ctx)
	defer p.signals.close()
	app := p.app()
	help := &checked{w: p.out}
	app.Writer = help
	arranged, err := reorder(app, args)
	if err == nil {
		err = cmp.Or(app.RunContext(ctx, arranged), help.err)
	}
	return p.report(ctx, err)
}

// checked remembers the error of a write that its caller does not look at, as
// the printer of help does not.
type checked struct {
	w   io.Writer
	err error
}

func (c *checked) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.err = cmp.Or(c.err, err)
	return n, err
}

// report says what went wrong, and returns the exit code.
func (p *program) report(ctx context.Context, err error) int {
	if s := (signalled{}); errors.As(context.Cause(ctx), &s) {
		return s.exitCode()
	}
	if err == nil {
		return exitOK
	}
	if c := exitError(0); errors.As(err, &c) {
		return int(c) // said already
	}
	if errors.Is(err, syscall.EPIPE) {
		return exitPipe // whoever read has gone, and there is nobody to tell
	}
	p.warnf("%s", err)
	return exitOf(chat.CodeOf(err))
}

// app is the tree of commands. Building it does no I/O.
func (p *program) app() *cli.App {
	alone := p.rootCommand()
	alone.Action = p.rootOrSend
	app := &cli.App{
		Name:                      "chat",
		Usage:                     "AI chat in the terminal that never loses an answer",
		UsageText:                 "chat [flags] [PROMPT…]\nchat COMMAND [flags] [arguments]",
		Description:               rootDescription,
		Version:                   daemon.Version,
		HideVersion:               true, // -v is --verbose; the command is version
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		ErrWriter:                 p.err,
		ExitErrHandler:            func(*cli.Context, error) {},
		Flags:                     slices.Concat(sendFlags(), rootFlags(), commonFlags(), []cli.Flag{cli.HelpFlag}),
		Commands: []*cli.Command{
			alone, p.sendCommand(), p.attachCommand(), p.retryCommand(), p.editCommand(),
			p.psCommand(), p.topCommand(), p.stopCommand(), p.waitCommand(),
			p.lsCommand(), p.searchCommand(), p.showCommand(), p.renameCommand(), p.forkCommand(), p.exportCommand(), p.importCommand(), p.rmCommand(),
			p.modelsCommand(), p.rolesCommand(), p.usageCommand(), p.doctorCommand(), p.authCommand(), p.configCommand(), p.daemonCommand(), p.completionCommand(), p.completeCommand(), p.manCommand(), p.versionCommand(), p.helpCommand(),
		},
	}
	prepare(app.Commands, p, false)
	return app
}

// needsNoServer are the commands that never ask one.
func needsNoServer(name string) bool {
	switch name {
	case "auth", "daemon", "config", "roles", "completion", "man", "version", "help":
		return true
	}
	return false
}

// prepare sets what is the same for all commands.
func prepare(commands []*cli.Command, p *program, local bool) {
	for _, c := range commands {
		local := local || needsNoServer(c.Name)
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if len(c.Subcommands) == 0 {
			c.Flags = slices.Concat(c.Flags, serverFlags(local), noticeFlags())
			c.Before = p.common
			if local {
				c.Before = p.alone
			}
		}
		prepare(c.Subcommands, p, local)
	}
}

// common reads the flags that every command has.
func (p *program) common(c *cli.Context) error {
	if c.Command.ArgsUsage == noArguments && c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "%s takes no arguments, and got %q", c.Command.HelpName, c.Args().First())
	}
	if c.IsSet("timeout") && c.Duration("timeout") <= 0 {
		return chat.Errorf(chat.CodeInvalid, "--timeout must be longer than 0")
	}
	p.quiet, p.verbose, p.color = c.Bool("quiet"), c.Bool("verbose"), c.String("color")
	switch p.color {
	case "auto", "always", "never":
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "--color is auto, always or never, not %q", p.color)
}

// noArguments is the ArgsUsage of commands without arguments.
const noArguments = " "

// alone is common for the commands that need no server: a flag that names one
// was meant for something else.
func (p *program) alone(c *cli.Context) error {
	isDaemon := strings.HasPrefix(c.Command.HelpName, "chat daemon")
	switch {
	case c.IsSet("host") && isDaemon:
		return chat.Errorf(chat.CodeInvalid, "`chat daemon` is about the local daemon, and --host names another server: leave out --host, or manage that server where it runs")
	case c.IsSet("host"):
		return chat.Errorf(chat.CodeInvalid, "--host means nothing to `%s`: leave it out", c.Command.HelpName)
	case c.IsSet("no-daemon"):
		return chat.Errorf(chat.CodeInvalid, "--no-daemon means nothing to `%s`: leave it out", c.Command.HelpName)
	}
	err := p.common(c)
	if err == nil && isDaemon && !c.Command.Hidden && p.env("CHAT_HOST") != "" {
		p.infof("this is the local daemon, although CHAT_HOST names another server")
	}
	return err
}

// usageError says what is wrong with a flag, and where the flags are listed.
// Nearly all of it has been said by arrange, in better words.
func usageError(c *cli.Context, err error, _ bool) error {
	name := c.Command.HelpName
	if name == "" || c.Command.Name == rootName {
		name = "chat"
	}
	return chat.Errorf(chat.CodeInvalid, "%s (`%s --help` lists the flags)", err.Error(), name)
}
