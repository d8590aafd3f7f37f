package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/keyring"
	"chat/daemon/local"
	"chat/internal/cli/arguments"
	"chat/internal/cli/output"
	"chat/internal/cli/settings"
)

func (p *program) configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "manage the settings: path, get, set, edit, check",
		Description: `The file has one setting per line, for example: model = "qwen3:8b". Environment variables
override the file. The daemon reads the file when it starts. Store the provider's key with
chat auth login.

After the settings come tables: roles (chat roles --help), the screen's keys (chat help keys
lists their names), and data about models, for the screen's header and for chat usage:

  [keys]
  palette = "ctrl+g"
  copy = ["c", "y"]

  [models."qwen3:8b"]
  context = 40960
  input_price = 0.1      # dollars per million tokens
  output_price = 0.4
  cached_input_price = 0.01   # read from the provider's cache; input_price without it
  cache_write_price = 0.125   # written to it; input_price without it

Examples:
  chat config set model qwen3:8b
  chat config set base_url http://localhost:11434/v1
  chat config set theme light
  chat config get
  chat config check`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return chat.Errorf(chat.CodeInvalid, "there is no command %q (`chat config --help` lists them)", "config "+c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{Name: "path", Usage: "print the path of the file", ArgsUsage: arguments.NoArguments, Action: p.configPath},
			{Name: "get", Usage: "print one setting, or all that are set", ArgsUsage: "[SETTING]", Action: p.configGet},
			{Name: "set", Usage: `change a setting; "" removes it`, ArgsUsage: arguments.SettingAndValue, Action: p.configSet},
			{Name: "edit", Usage: "open the file in $VISUAL or $EDITOR", ArgsUsage: arguments.NoArguments, Action: p.configEdit},
			{Name: "check", Usage: "check the file and report errors with their lines", ArgsUsage: arguments.NoArguments, Action: p.configCheck},
		},
	}
}

func (p *program) configPath(*cli.Context) error {
	paths, err := local.FindPaths(p.Lookup)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Out, paths.ConfigFile())
	return err
}

func (p *program) configGet(c *cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	switch c.NArg() {
	case 0:
		return p.printSettings(f)
	case 1:
	default:
		return chat.Errorf(chat.CodeInvalid, "config get takes at most one setting")
	}
	key := settings.Key(c.Args().First())
	if !settings.Known(key) {
		return settings.UnknownKey(key)
	}
	e, ok := f.Find(key)
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "%s is not set in %s", key, f.Path)
	}
	_, err = fmt.Fprintln(p.Out, e.Plain())
	return err
}

// printSettings lists the settings with their sources.
func (p *program) printSettings(f *settings.File) error {
	var rows [][]string
	for _, s := range settings.All() {
		key := settings.Key(s.Name)
		value, from := "", ""
		if v, ok := p.server.LocalLookup(s.Env); ok && v != "" {
			value, from = v, "$"+s.Env
		} else if e, ok := f.Find(key); ok {
			value, from = e.Plain(), filepath.Base(f.Path)
		}
		if from == "" {
			continue
		}
		if _, elsewhere := keyring.Host(value); key == "api_key" && !elsewhere {
			value = settings.Mask(value)
		}
		rows = append(rows, []string{key, value, from})
	}
	if len(rows) == 0 {
		p.Infof("no settings are set: all have their defaults (`chat man` lists them)")
		return nil
	}
	return output.WriteTable(p.Out, []output.Column{{Head: "SETTING"}, {Head: "VALUE", MinWidth: 8}, {Head: "FROM", DropOrder: 1}}, rows)
}

func (p *program) configSet(c *cli.Context) error {
	if c.NArg() != 2 {
		return chat.Errorf(chat.CodeInvalid, "config set takes a setting and its value, for example: chat config set model demo")
	}
	key, value := settings.Key(c.Args().Get(0)), c.Args().Get(1)
	switch {
	case !settings.Known(key):
		return settings.UnknownKey(key)
	case (key == "api_key" || strings.HasSuffix(key, ".api_key")) && value != "":
		return chat.Errorf(chat.CodeInvalid, "a key on the command line is visible to others and stays in the shell's history: use chat auth login")
	}
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	if err := settings.Set(f, key, value); err != nil {
		return err
	}
	if key == settings.ThemeKey {
		return nil // only the client reads it
	}
	return p.server.NoteRestart(c.Context)
}

func (p *program) configCheck(*cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	if f.Empty() {
		p.Infof("there is no %s: all settings have their defaults", f.Path)
		return nil
	}
	found, err := f.Problems()
	if err == nil {
		var paths local.Paths
		paths, err = local.FindPaths(p.Lookup)
		found = append(found, f.ExposedSecrets(paths)...)
	}
	switch {
	case err != nil:
		return err
	case len(found) > 0:
		return chat.Errorf(chat.CodeInvalid, "%s", strings.Join(found, "\nchat: "))
	}
	p.Infof("%s: %s, no errors", f.Path, output.Plural(f.Count(), "setting"))
	return nil
}

func (p *program) configEdit(c *cli.Context) error {
	f, err := settings.Open(p.Lookup)
	if err != nil {
		return err
	}
	if f.Empty() {
		if err := f.Write(settings.Template()); err != nil {
			return err
		}
	}
	if err := p.editor.OpenFile(f.Path); err != nil {
		return err
	}
	if err := p.configCheck(c); err != nil {
		return err
	}
	return p.server.NoteRestart(c.Context)
}
