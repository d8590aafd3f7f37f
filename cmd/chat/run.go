package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	_ "chat/tui/background" // before anything imports bubbletea: see there
	"chat/tui/sanitize"
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
}

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, std stdio, lookup func(string) (string, bool)) int {
	p := &program{stdio: std, lookup: lookup, color: "auto"}
	ctx, p.signals = notify(ctx)
	defer p.signals.close()
	app := p.app()
	arranged, err := arrange(app, args)
	if err == nil {
		err = app.RunContext(ctx, arranged)
	}
	return p.report(ctx, err)
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
	fmt.Fprintln(p.err, "chat:", sanitize.String(err.Error()))
	return exitOf(chat.CodeOf(err))
}

// app is the tree of commands. Building it does no I/O.
func (p *program) app() *cli.App {
	app := &cli.App{
		Name:                      "chat",
		Usage:                     "AI chat in the terminal, whose answers survive it",
		UsageText:                 "chat [flags] [PROMPT…]\nchat COMMAND [flags] [arguments]",
		Description:               rootDescription,
		Version:                   daemon.Version,
		HideVersion:               true, // -v is --verbose; the command is version
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		Writer:                    p.out,
		ErrWriter:                 p.err,
		ExitErrHandler:            func(*cli.Context, error) {},
		Flags:                     slices.Concat(sendFlags(), rootFlags(), commonFlags(), []cli.Flag{cli.HelpFlag}),
		Commands: []*cli.Command{
			p.rootCommand(), p.sendCommand(), p.attachCommand(),
			p.psCommand(), p.stopCommand(), p.waitCommand(),
			p.lsCommand(), p.showCommand(), p.rmCommand(),
			p.modelsCommand(), p.daemonCommand(), p.versionCommand(), p.helpCommand(),
		},
	}
	prepare(app.Commands, p)
	return app
}

// prepare sets what is the same for all commands.
func prepare(commands []*cli.Command, p *program) {
	for _, c := range commands {
		c.HideHelpCommand = true
		c.OnUsageError = usageError
		if len(c.Subcommands) == 0 {
			c.Flags = append(c.Flags, commonFlags()...)
			c.Before = p.common
		}
		prepare(c.Subcommands, p)
	}
}

// common reads the flags that every command has.
func (p *program) common(c *cli.Context) error {
	p.quiet, p.verbose, p.color = c.Bool("quiet"), c.Bool("verbose"), c.String("color")
	switch p.color {
	case "auto", "always", "never":
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "--color is auto, always or never, not %q", p.color)
}

// usageError says what is wrong with a flag, and where the flags are listed.
func usageError(c *cli.Context, err error, _ bool) error {
	name := c.Command.HelpName
	if name == "" || c.Command.Name == rootName {
		name = "chat"
	}
	return chat.Errorf(chat.CodeInvalid, "%s (`%s --help` lists the flags)", err.Error(), name)
}

// note writes a line for the user, unless --quiet.
func (p *program) note(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintln(p.err, sanitize.String(fmt.Sprintf("chat: "+format, args...)))
	}
}

// detail writes a line with --verbose.
func (p *program) detail(format string, args ...any) {
	if p.verbose {
		p.note(format, args...)
	}
}
