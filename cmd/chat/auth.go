package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/arguments"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

func (p *program) authCommand() *cli.Command {
	return &cli.Command{
		Name: "auth", Usage: "manage the provider's key: login, list, logout",
		Description: `The key is stored for the local daemon in the config file, which only you can read. With
--keyring it is stored in the system's keyring, and the file only refers to it. The key is
read from the terminal or from stdin, never from the command line. The environment variable
OPENAI_API_KEY overrides it.

A daemon reads the keyring when it starts. A daemon that starts outside your session, or while
the keyring is locked, has no key. Therefore --keyring is not the default.

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
				Name: "login", Usage: "store a key", ArgsUsage: arguments.NoArguments, Action: p.authLogin,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "base-url", Usage: "the `URL` of the API, if it is not OpenAI's"},
					&cli.BoolFlag{Name: "keyring", Usage: "store the key in the system's keyring", DisableDefaultText: true},
					&cli.BoolFlag{Name: "no-check", Usage: "do not ask the provider whether it accepts the key", DisableDefaultText: true},
				},
			},
			{Name: "list", Usage: "list the keys", ArgsUsage: arguments.NoArguments, Action: p.authList},
			{Name: "logout", Usage: "delete the key", ArgsUsage: arguments.NoArguments, Action: p.authLogout},
		},
	}
}

func (p *program) authLogin(c *cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	key, err := p.keys.Read(c.Context)
	if err != nil {
		return err
	}
	base := c.String("base-url")
	if !c.Bool("no-check") {
		if err := p.keys.Try(c.Context, key, cmp.Or(base, p.keys.Configured(f, "base_url"))); err != nil {
			return err
		}
	}
	if err := p.keys.Keep(c.Context, f, key, base, c.Bool("keyring")); err != nil {
		return err
	}
	if p.Env("OPENAI_API_KEY") != "" {
		p.Infof("OPENAI_API_KEY is set and overrides this key")
	}
	return p.server.NoteRestart(c.Context)
}

func (p *program) authList(c *cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	var rows [][]string
	base := cmp.Or(p.keys.Configured(f, "base_url"), "https://api.openai.com/v1")
	if key := p.Env("OPENAI_API_KEY"); key != "" {
		rows = append(rows, []string{base, settings.Mask(key), "$OPENAI_API_KEY"})
	}
	if e, ok := f.Find("api_key"); ok && e.Plain() != "" {
		rows = append(rows, p.keys.Row(c.Context, base, e.Plain(), f.Path))
	}
	if len(rows) == 0 {
		p.Infof("there is no key: store one with chat auth login")
		return nil
	}
	return output.WriteTable(p.Out, []output.Column{{Head: "PROVIDER", MinWidth: 12}, {Head: "KEY"}, {Head: "FROM", MinWidth: 12}}, rows)
}

func (p *program) authLogout(c *cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	e, ok := f.Find("api_key")
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "there is no key in %s", f.Path)
	}
	if err := f.Write(f.With("api_key", "")); err != nil {
		return err
	}
	if err := p.keys.Forget(c.Context, e.Plain()); err != nil {
		return err
	}
	p.Infof("deleted the key")
	if p.Env("OPENAI_API_KEY") != "" {
		p.Infof("OPENAI_API_KEY is still set")
	}
	return p.server.NoteRestart(c.Context)
}
