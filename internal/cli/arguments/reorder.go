package arguments

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// RootName is the hidden command for chat without a command. A command of its own
// prevents the parser from reading its arguments as command names.
const RootName = "(chat)"

// Pick is the value of --resume without an id.
const Pick = "?"

// Reorder reorders a command line for the flag parser: flags first, then "--", then
// arguments. Therefore flags may come before the command, and before or after the
// prompt. Everything after "--" is an argument. Reorder reports errors in flags,
// because it knows how they were written.
func Reorder(app *cli.App, args []string) ([]string, error) {
	name, rest := args[0], args[1:]
	if len(rest) > 0 && rest[0] == CompleteName { // the rest is the line to complete
		return append([]string{name, CompleteName, "--"}, rest[1:]...), nil
	}
	words, path, command := Split(rest, TableOf(app.Flags, CommonFlags()), false), []string{RootName}, (*cli.Command)(nil)
	commands := app.Commands
	for len(words.Positional) > 0 && !words.closed {
		c := FindCommand(commands, words.Positional[0])
		if c == nil || command == nil && c.Name == "continue" && words.continues() { // chat -c continue is a message
			break
		}
		if command == nil {
			path = nil
		}
		path, command, commands = append(path, c.Name), c, c.Subcommands
		// The command may have other flags, so split again.
		rest = Without(rest, words.Indexes[0])
		table := TableOf(c.Flags, CommonFlags())
		for _, sub := range c.Subcommands {
			table = table.with(TableOf(sub.Flags))
		}
		words = Split(rest, table, c.ArgsUsage == SettingAndValue)
		if c.Subcommands == nil {
			break
		}
	}
	out := append([]string{name}, path...)
	switch {
	case command == nil && words.has("--version"):
		return []string{name, "version"}, nil
	case command == nil && words.has("--help"):
		return []string{name, "--help"}, nil
	case words.has("--help"):
		return append(out, "--help"), nil
	case words.problem != nil:
		if command == nil {
			path = nil
		}
		line := strings.Join(append([]string{name}, path...), " ")
		words.problem.Message += " (`" + line + " --help` lists the flags"
		if words.unknownArg != "" && takesText(command) {
			words.problem.Message += "; as text: " + line + " -- " + words.unknownArg
		}
		words.problem.Message += ")"
		return nil, words.problem
	case command == nil && !words.closed && len(words.Positional) > 0 && !words.continues():
		if err := suggestCommand(app.Commands, words.Positional); err != nil {
			return nil, err
		}
	}
	out = append(out, words.Flags...)
	return append(append(out, "--"), words.Positional...), nil
}

// takesText reports whether the arguments of a command may be any text. Nil means chat
// without a command.
func takesText(c *cli.Command) bool {
	return c == nil || slices.Contains([]string{"send", "search", "ls"}, c.Name)
}

// continues reports whether the line continues a conversation. Its words are then
// always a message.
func (w *Parsed) continues() bool {
	return w.has("--continue") || w.has("--conversation") || w.has("--resume")
}

func FindCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) && c.Name != RootName {
			return c
		}
	}
	return nil
}
