package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
)

func (p *program) authCommand() *cli.Command {
	return &cli.Command{
		Name: "auth", Usage: "the provider's key: login, list, logout",
		Description: `The key is kept in the config file, which only you can read, for the local daemon; with
--keyring it is kept in the system's keyring, and the file only says so. It is read from the
terminal or from stdin, never from the command line. OPENAI_API_KEY in the environment wins
over it.

A daemon reads the keyring when it starts. One that starts without your session, or while the
keyring is locked, has no key: that is why --keyring is not the default.

Examples:
  chat auth login
  pass show openrouter | chat auth login --base-url https://openrouter.ai/api/v1
  chat auth list`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return chat.Errorf(chat.CodeInvalid, "there is no command %q (`chat auth --help` lists them)", "auth "+c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "login", Usage: "keep a key", ArgsUsage: noArguments, Action: p.authLogin,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "base-url", Usage: "the API at `URL`, if it is not OpenAI's"},
					&cli.BoolFlag{Name: "keyring", Usage: "keep the key in the system's keyring", DisableDefaultText: true},
					&cli.BoolFlag{Name: "no-check", Usage: "do not ask the provider whether it takes the key", DisableDefaultText: true},
				},
			},
			{Name: "list", Usage: "say which keys there are", ArgsUsage: noArguments, Action: p.authList},
			{Name: "logout", Usage: "forget the key", ArgsUsage: noArguments, Action: p.authLogout},
		},
	}
}

func (p *program) authLogin(c *cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	key, err := p.readKey(c.Context)
	if err != nil {
		return err
	}
	base := c.String("base-url")
	if !c.Bool("no-check") {
		if err := p.tryKey(c, key, cmp.Or(base, p.configured(f, "base_url"))); err != nil {
			return err
		}
	}
	if err := p.keep(c, f, key, base); err != nil {
		return err
	}
	if p.env("OPENAI_API_KEY") != "" {
		p.infof("OPENAI_API_KEY is set, and wins over it")
	}
	return p.noteRestart(c)
}

// configured is what the environment or the file says of a setting, "" for nothing.
func (p *program) configured(f *configFile, key string) string {
	if key == "base_url" && p.env("OPENAI_BASE_URL") != "" {
		return p.env("OPENAI_BASE_URL")
	}
	e, _ := f.find(key)
	return e.plain()
}

// maxKey is more than any provider's key has, in bytes.
const maxKey = 4096

// readKey reads a key from the terminal, without showing it, or from stdin.
func (p *program) readKey(ctx context.Context) (string, error) {
	var text string
	var err error
	if term.IsTerminal(p.in.Fd()) {
		text, err = p.askSecret(ctx)
	} else if text, err = bufio.NewReader(io.LimitReader(p.in, maxKey)).ReadString('\n'); errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil {
		return "", err
	}
	key := daemon.TrimKey(text)
	switch {
	case key == "":
		return "", chat.Errorf(chat.CodeInvalid, "there is no key: type it, or pipe it in")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", chat.Errorf(chat.CodeInvalid, "this is no key: it has spaces or letters that no key has")
	}
	return key, nil
}

// askSecret asks on the terminal. Its modes are given back whatever ends it.
func (p *program) askSecret(ctx context.Context) (string, error) {
	before, err := term.GetState(p.in.Fd())
	if err != nil {
		return "", err
	}
	fmt.Fprint(p.err, "key (it is not shown): ")
	type typed struct {
		key []byte
		err error
	}
	read := make(chan typed, 1)
	// A read of a terminal cannot be called back; it ends with the process.
	go func() {
		key, err := term.ReadPassword(p.in.Fd())
		read <- typed{key, err}
	}()
	defer fmt.Fprintln(p.err)
	select {
	case t := <-read:
		if errors.Is(t.err, io.EOF) {
			t.err = nil
		}
		return string(t.key), t.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(p.in.Fd(), before))
	}
}

// tryKey asks the provider for its models, by way of the local daemon.
func (p *program) tryKey(c *cli.Context, key, base string) error {
	resolve, closing, err := p.resolver(c)
	if err != nil {
		return err
	}
	cl := client.New(resolve, client.Options{ProviderKey: key, ProviderBaseURL: base})
	defer cl.Close()
	at, err := cl.Endpoint(c.Context)
	if err == nil && at.Network != "unix" {
		err = chat.Errorf(chat.CodeInvalid, "CHAT_HOST names another server, which does not take a key of yours: unset it, or use --no-check")
	}
	if err == nil {
		_, err = cl.Models(c.Context)
		err = p.explain(err)
	}
	if err = errors.Join(err, closing()); err != nil {
		return chat.Errorf(chat.CodeOf(err), "the key is not kept: %w (--no-check keeps it without asking)", err)
	}
	return nil
}

func (p *program) authList(c *cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	var rows [][]string
	base := cmp.Or(p.configured(f, "base_url"), "https://api.openai.com/v1")
	if key := p.env("OPENAI_API_KEY"); key != "" {
		rows = append(rows, []string{base, masked(key), "$OPENAI_API_KEY"})
	}
	if e, ok := f.find("api_key"); ok && e.plain() != "" {
		rows = append(rows, p.keptRow(c, base, e.plain(), f.path))
	}
	if len(rows) == 0 {
		p.infof("there is no key: chat auth login keeps one")
		return nil
	}
	return table(p.out, []column{{head: "PROVIDER", least: 12}, {head: "KEY"}, {head: "FROM", least: 12}}, rows)
}

func (p *program) authLogout(c *cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	e, ok := f.find("api_key")
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "there is no key in %s", f.path)
	}
	if err := f.write(f.with("api_key", "")); err != nil {
		return err
	}
	if err := p.forget(c, e.plain()); err != nil {
		return err
	}
	p.infof("the key is forgotten")
	if p.env("OPENAI_API_KEY") != "" {
		p.infof("OPENAI_API_KEY is still set")
	}
	return p.noteRestart(c)
}
