package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/internal/cli/arguments"
	"chat/internal/cli/keys"
)

func (p *program) authCommand() *cli.Command {
	return &cli.Command{
		Name: "auth", Usage: "manage providers and their keys: login, list, logout",
		Description: `A key is stored for the local daemon in the config file, which only you can read. With
--keyring it is stored in the system's keyring, and the file only refers to it. The key is
read from the terminal or from stdin, never from the command line. The environment variable
OPENAI_API_KEY overrides the key of the provider without a name.

With a NAME, the key is that of a further provider, whose models are named NAME/model. Its
base URL is known for anthropic, openrouter, groq, mistral, deepseek, gemini, xai and others.

A daemon reads the keyring when it starts. A daemon that starts outside your session, or while
the keyring is locked, has no key. Therefore --keyring is not the default.

Examples:
  chat auth login
  chat auth login anthropic
  chat auth login openrouter
  pass show work | chat auth login work --base-url https://llm.example.com/v1
  chat auth login lab --base-url http://gpu:8000/v1 --no-key
  chat auth list`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return chat.Errorf(chat.CodeInvalid, "there is no command %q (`chat auth --help` lists them)", "auth "+c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "login", Usage: "store a key", ArgsUsage: "[NAME]", Action: p.authLogin,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "base-url", Usage: "the `URL` of the API, if it is not OpenAI's"},
					&cli.StringFlag{Name: "kind", Usage: "the `API` of the provider named NAME: " + strings.Join(daemon.Kinds(), " or ") + " (default: anthropic for that name, otherwise openai)"},
					&cli.BoolFlag{Name: "keyring", Usage: "store the key in the system's keyring", DisableDefaultText: true},
					&cli.BoolFlag{Name: "no-key", Usage: "the provider named NAME needs no key", DisableDefaultText: true},
					&cli.BoolFlag{Name: "no-check", Usage: "do not ask the provider whether it accepts the key", DisableDefaultText: true},
				},
			},
			{Name: "list", Usage: "list the providers and their keys", ArgsUsage: arguments.NoArguments, Action: p.authList},
			{Name: "logout", Usage: "delete the key, or the provider named NAME with its key", ArgsUsage: "[NAME]", Action: p.authLogout},
		},
	}
}

// providerName is the argument of a command that takes at most the name of a provider.
func providerName(c *cli.Context) (string, error) {
	if c.NArg() > 1 {
		return "", chat.Errorf(chat.CodeInvalid, "%s takes at most the name of a provider", c.Command.HelpName)
	}
	if c.NArg() == 1 && c.Args().First() == "" { // of an empty variable: it must not mean the default
		return "", chat.Errorf(chat.CodeInvalid, "the name of the provider is empty: leave it out to mean the default")
	}
	return c.Args().First(), nil
}

func (p *program) authLogin(c *cli.Context) error {
	name, err := providerName(c)
	if err != nil {
		return err
	}
	return p.keys.Login(c.Context, keys.Login{
		Name: name, BaseURL: c.String("base-url"), Kind: c.String("kind"), Keyring: c.Bool("keyring"), NoKey: c.Bool("no-key"), NoCheck: c.Bool("no-check"),
	})
}

func (p *program) authList(c *cli.Context) error { return p.keys.List(c.Context) }

func (p *program) authLogout(c *cli.Context) error {
	name, err := providerName(c)
	if err != nil {
		return err
	}
	return p.keys.Logout(c.Context, name)
}
