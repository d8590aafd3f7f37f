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

// arrange makes of a command line what the flag parser expects: flags first, then
// "--", then arguments. That lets flags stand anywhere: before the command, and
// before and after the prompt. After "--" nothing is a flag or a command.
func arrange(app *cli.App, args []string) ([]string, error) {
	name, rest := args[0], args[1:]
	known := flagTable(app.Flags, commonFlags())
	words, path, command := split(rest, known), []string{rootName}, (*cli.Command)(nil)
	commands := app.Commands
	for len(words.positional) > 0 && !words.closed {
		word := words.positional[0]
		c := find(commands, word)
		if c == nil {
			break
		}
		if command == nil {
			path = nil
		}
		path, command, commands = append(path, c.Name), c, c.Subcommands
		// The flags of the command itself may differ, so its line is read again.
		rest = without(rest, words.at[0])
		known = flagTable(c.Flags, commonFlags())
		if len(c.Subcommands) > 0 {
			for _, sub := range c.Subcommands {
				known = merge(known, flagTable(sub.Flags))
			}
		}
		words = split(rest, known)
		if c.Subcommands == nil {
			break
		}
	}
	if command == nil {
		switch {
		case slices.Contains(words.flags, "--version"):
			return []string{name, "version"}, nil
		case slices.Contains(words.flags, "--help"), slices.Contains(words.flags, "-h"):
			return []string{name, "--help"}, nil
		case !words.closed && len(words.positional) > 0:
			if guess := typo(app.Commands, words.positional[0]); guess != "" {
				return nil, chat.Errorf(chat.CodeInvalid, "there is no command %q; did you mean %q? To send it as a prompt: chat -- %s", words.positional[0], guess, words.positional[0])
			}
		}
	}
	out := append([]string{name}, path...)
	out = append(out, words.flags...)
	return append(append(out, "--"), words.positional...), nil
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) && c.Name != rootName {
			return c
		}
	}
	return nil
}

// flagTable maps every name of a flag to whether it takes a value.
func flagTable(lists ...[]cli.Flag) map[string]bool {
	table := map[string]bool{"help": false, "h": false, "version": false}
	for _, list := range lists {
		for _, f := range list {
			_, isBool := f.(*cli.BoolFlag)
			for _, n := range f.Names() {
				table[n] = !isBool
			}
		}
	}
	return table
}

func merge(a, b map[string]bool) map[string]bool {
	for k, v := range b {
		if _, ok := a[k]; !ok {
			a[k] = v
		}
	}
	return a
}

// words are a command line, sorted.
type words struct {
	flags      []string // with their values
	positional []string
	at         []int // the place of each positional on the line
	closed     bool  // the first positional stands after "--"
}

func split(line []string, takesValue map[string]bool) words {
	var w words
	for i := 0; i < len(line); i++ {
		arg := line[i]
		if arg == "--" {
			w.closed = len(w.positional) == 0
			for j := i + 1; j < len(line); j++ {
				w.positional, w.at = append(w.positional, line[j]), append(w.at, j)
			}
			return w
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || arg == "-" || strings.ContainsAny(name, " \t\n") {
			w.positional, w.at = append(w.positional, arg), append(w.at, i)
			continue
		}
		value, known := takesValue[name]
		switch {
		case (name == "r" || name == "resume") && known && value && !hasValue:
			id := pick
			if i+1 < len(line) && looksLikeID(line[i+1]) {
				i++
				id = line[i]
			}
			w.flags = append(w.flags, "--resume="+id)
		case known && value && !hasValue && i+1 < len(line):
			w.flags = append(w.flags, arg, line[i+1])
			i++
		case !known && bundled(arg, takesValue):
			for _, c := range arg[1:] {
				w.flags = append(w.flags, "-"+string(c))
			}
		default:
			w.flags = append(w.flags, arg)
		}
	}
	return w
}

// bundled reports whether arg is several one-letter flags in one, as -qd.
func bundled(arg string, takesValue map[string]bool) bool {
	if strings.HasPrefix(arg, "--") || len(arg) < 3 {
		return false
	}
	for _, c := range arg[1:] {
		if value, ok := takesValue[string(c)]; !ok || value {
			return false
		}
	}
	return true
}

func without(line []string, i int) []string {
	return append(slices.Clone(line[:i]), line[i+1:]...)
}

// typo is the command that word is one slip away from, or "".
func typo(commands []*cli.Command, word string) string {
	for _, c := range commands {
		if c.Hidden || c.Name == rootName || len(c.Name) < 4 {
			continue
		}
		if oneSlip(word, c.Name) {
			return c.Name
		}
	}
	return ""
}

// oneSlip reports whether a becomes b by one letter more, less, other, or
// swapped with its neighbour.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		if i == len(a) {
			return false // the same
		}
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return swapped || a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}
