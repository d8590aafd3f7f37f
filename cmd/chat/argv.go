package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
)

// rootName is the hidden command that chat alone stands for. Nobody types it; as
// a command of its own, its arguments are never mistaken for the name of one.
const rootName = "(chat)"

// pick is the value of --resume without an id.
const pick = "?"

// reorder turns a command line into what the flag parser expects: flags first, then
// "--", then arguments. That lets flags stand anywhere: before the command, and
// before and after the prompt. After "--" nothing is a flag or a command. What is
// wrong with a flag is found here, where it is known how it was written.
func reorder(app *cli.App, args []string) ([]string, error) {
	name, rest := args[0], args[1:]
	if len(rest) > 0 && rest[0] == completeName { // what follows is somebody else's line
		return append([]string{name, completeName, "--"}, rest[1:]...), nil
	}
	words, path, command := split(rest, tableOf(app.Flags, commonFlags()), false), []string{rootName}, (*cli.Command)(nil)
	commands := app.Commands
	for len(words.positional) > 0 && !words.closed {
		c := find(commands, words.positional[0])
		if c == nil {
			break
		}
		if command == nil {
			path = nil
		}
		path, command, commands = append(path, c.Name), c, c.Subcommands
		// The flags of the command itself may differ, so its line is read again.
		rest = without(rest, words.at[0])
		table := tableOf(c.Flags, commonFlags())
		for _, sub := range c.Subcommands {
			table = table.with(tableOf(sub.Flags))
		}
		words = split(rest, table, c.ArgsUsage == settingAndValue)
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
	case command == nil && !words.closed && len(words.positional) > 0 && !words.continues():
		if err := suggestCommand(app.Commands, words.positional); err != nil {
			return nil, err
		}
	}
	out = append(out, words.flags...)
	return append(append(out, "--"), words.positional...), nil
}

// takesText reports whether the arguments of a command may be any text; nil is chat
// alone.
func takesText(c *cli.Command) bool {
	return c == nil || slices.Contains([]string{"send", "search", "ls"}, c.Name)
}

// continues reports whether the line goes on with a conversation: whatever its
// words are then, they are a message.
func (w *parsed) continues() bool {
	return w.has("--continue") || w.has("--conversation") || w.has("--resume")
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) && c.Name != rootName {
			return c
		}
	}
	return nil
}

// numberIn is the number that a flag was given, if it is from low to high.
func numberIn(c *cli.Context, flag string, low, high int) (int, error) {
	n := c.Int(flag)
	if n < low || n > high {
		return 0, chat.Errorf(chat.CodeInvalid, "--%s is from %d to %d, not %d", flag, low, high, n)
	}
	return n, nil
}
