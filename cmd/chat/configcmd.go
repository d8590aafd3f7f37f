package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/keyring"
	"chat/daemon/local"
)

func (p *program) configCommand() *cli.Command {
	return &cli.Command{
		Name: "config", Usage: "the settings of the local daemon: path, get, set, edit, check",
		Description: `The file has one setting a line, as in: model = "qwen3:8b". An environment variable wins
over it. The daemon reads it when it starts. A provider's key is set with chat auth login.

Behind the settings stand tables: roles (chat roles --help), the screen's keys by the names that
chat help keys lists, and what is known of models, for the header and for chat usage:

  [keys]
  palette = "ctrl+g"
  copy = ["c", "y"]

  [models."qwen3:8b"]
  context = 40960
  input_price = 0.1      # dollars for a million tokens
  output_price = 0.4

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
			{Name: "path", Usage: "print where the file is", ArgsUsage: noArguments, Action: p.configPath},
			{Name: "get", Usage: "print a setting, or all that are set", ArgsUsage: "[SETTING]", Action: p.configGet},
			{Name: "set", Usage: `change a setting; "" takes it out`, ArgsUsage: settingAndValue, Action: p.configSet},
			{Name: "edit", Usage: "open the file in $VISUAL or $EDITOR", ArgsUsage: noArguments, Action: p.configEdit},
			{Name: "check", Usage: "say what is wrong with the file, and where", ArgsUsage: noArguments, Action: p.configCheck},
		},
	}
}

// settingAndValue is the ArgsUsage of config set, whose value may be a negative
// number.
const settingAndValue = "SETTING VALUE"

func (p *program) config() (*configFile, error) {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return nil, err
	}
	return readConfig(paths.ConfigFile())
}

func (p *program) configPath(*cli.Context) error {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.out, paths.ConfigFile())
	return err
}

func (p *program) configGet(c *cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	switch c.NArg() {
	case 0:
		return p.printSettings(f)
	case 1:
	default:
		return chat.Errorf(chat.CodeInvalid, "config get takes one setting, or none for all that are set")
	}
	key := settingKey(c.Args().First())
	if !slices.Contains(settingKeys(), key) {
		return noSetting(key)
	}
	e, ok := f.find(key)
	if !ok {
		return chat.Errorf(chat.CodeNotFound, "%s is not set in %s", key, f.path)
	}
	_, err = fmt.Fprintln(p.out, e.plain())
	return err
}

// printSettings lists what is set, and where.
func (p *program) printSettings(f *configFile) error {
	var rows [][]string
	for _, s := range fileSettings() {
		key := settingKey(s.Name)
		value, from := "", ""
		if v, ok := p.localLookup(s.Env); ok && v != "" {
			value, from = v, "$"+s.Env
		} else if e, ok := f.find(key); ok {
			value, from = e.plain(), filepath.Base(f.path)
		}
		if from == "" {
			continue
		}
		if _, elsewhere := keyring.Host(value); key == "api_key" && !elsewhere {
			value = masked(value)
		}
		rows = append(rows, []string{key, value, from})
	}
	if len(rows) == 0 {
		p.infof("nothing is set: every setting has its default (`chat man` lists them)")
		return nil
	}
	return table(p.out, []column{{head: "SETTING"}, {head: "VALUE", least: 8}, {head: "FROM", drop: 1}}, rows)
}

// masked is a secret as it may be shown.
func masked(secret string) string {
	const shown = 4
	if len(secret) < 4*shown {
		return "••••"
	}
	return "••••" + secret[len(secret)-shown:]
}

func (p *program) configSet(c *cli.Context) error {
	if c.NArg() != 2 {
		return chat.Errorf(chat.CodeInvalid, "config set takes a setting and its value, as in: chat config set model demo")
	}
	key, value := settingKey(c.Args().Get(0)), c.Args().Get(1)
	switch {
	case !slices.Contains(settingKeys(), key):
		return noSetting(key)
	case key == "api_key" && value != "":
		return chat.Errorf(chat.CodeInvalid, "a key on a command line can be read by others, and stays in the shell's history: chat auth login asks for it")
	}
	f, err := p.config()
	if err != nil {
		return err
	}
	if err := setChecked(f, key, value); err != nil {
		return err
	}
	if key == themeSetting {
		return nil // no daemon reads it
	}
	return p.noteRestart(c)
}

// setChecked changes a setting, unless its value is none that a daemon takes.
func setChecked(f *configFile, key, value string) error {
	_, what, err := tryConfig(key + " = " + literal(value) + "\n")
	if err != nil {
		return err
	}
	if key == themeSetting {
		what = themeProblem(value)
	}
	if what == "" {
		what = settingProblem(key, value)
	}
	if what != "" && value != "" {
		return chat.Errorf(chat.CodeInvalid, "%s: %s", key, what)
	}
	text := f.with(key, value)
	if what, err := unreadable(f.path, text); err != nil || what != "" {
		if what != "" {
			err = chat.Errorf(chat.CodeInvalid, "%s is not changed, for it cannot be read: %s (chat config edit)", f.path, what)
		}
		return err
	}
	return f.write(text)
}

// noteRestart says that a daemon that is running has read the file already.
func (p *program) noteRestart(c *cli.Context) error {
	s, err := p.starter()
	if err != nil {
		return err
	}
	st, err := s.Status(c.Context)
	if err == nil && st.Running {
		p.infof("the local daemon reads its settings when it starts: chat daemon restart")
	}
	return err
}

func (p *program) configCheck(*cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	if len(f.lines) == 0 {
		p.infof("there is no %s: every setting has its default", f.path)
		return nil
	}
	found, err := f.problems()
	if err == nil {
		var paths local.Paths
		paths, err = local.FindPaths(p.lookup)
		found = append(found, f.exposed(paths)...)
	}
	switch {
	case err != nil:
		return err
	case len(found) > 0:
		return chat.Errorf(chat.CodeInvalid, "%s", strings.Join(found, "\nchat: "))
	}
	p.infof("%s: %s, nothing wrong", f.path, plural(len(f.entries), "setting"))
	return nil
}

func (p *program) configEdit(c *cli.Context) error {
	f, err := p.config()
	if err != nil {
		return err
	}
	if len(f.lines) == 0 {
		if err := f.write(configTemplate()); err != nil {
			return err
		}
	}
	if err := p.openEditor(f.path); err != nil {
		return err
	}
	if err := p.configCheck(c); err != nil {
		return err
	}
	return p.noteRestart(c)
}

// configTemplate is a file in which every setting is explained, and none is set.
func configTemplate() string {
	var b strings.Builder
	b.WriteString("# Settings of chat's local daemon, and of chatd. Take away a # to set one.\n\n")
	for _, s := range fileSettings() {
		fmt.Fprintf(&b, "# %s\n# %s = \n\n", s.Usage, settingKey(s.Name))
	}
	b.WriteString("# Keys of the screen, and what is known of models, stand behind all settings.\n# [keys]\n# palette = \"ctrl+g\"\n\n# [models.\"qwen3:8b\"]\n# context = 40960\n\n")
	b.WriteString("# Roles for --role stand behind all settings.\n# [roles.reviewer]\n# system = \"You review code. Name the bug first, then the fix.\"\n# model = \n")
	return b.String()
}
