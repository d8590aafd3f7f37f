// Package arguments defines the flags of chat and reorders a command line for the flag
// parser: flags first, then arguments.
package arguments

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/codeblock"
	"chat/internal/cli/spelling"
	"chat/internal/lazyregexp"
)

// flagKind is the kind of value of a flag.
type flagKind int

const (
	switchKind flagKind = iota // no value
	textKind
	numberKind
	durationKind
)

// flagSpec describes a flag: its long name and its value.
type flagSpec struct {
	Name string
	kind flagKind
	// blank allows an empty value.
	blank bool
	// bare is the value if none is given; "" for flags that need a value. The next
	// word is the value only if takes accepts it.
	bare  string
	takes func(string) bool
}

// TakesValue reports whether the next word may be the flag's value.
func (s flagSpec) TakesValue() bool { return s.kind != switchKind || s.bare != "" }

// FlagTable maps every name of a flag to its spec.
type FlagTable map[string]flagSpec

func TableOf(lists ...[]cli.Flag) FlagTable {
	help := flagSpec{Name: "help"}
	table := FlagTable{"help": help, "h": help, "version": {Name: "version"}}
	for _, list := range lists {
		for _, f := range list {
			spec := flagSpec{Name: f.Names()[0], kind: textKind, blank: f.Names()[0] == "system"}
			switch spec.Name {
			case "resume":
				spec.bare, spec.takes = Pick, isWord
			case "extract":
				spec.bare, spec.takes = codeblock.First, codeblock.IsChoice
			}
			switch f.(type) {
			case *cli.BoolFlag:
				spec.kind = switchKind
			case *cli.IntFlag:
				spec.kind = numberKind
			case *cli.DurationFlag:
				spec.kind = durationKind
			}
			for _, n := range f.Names() {
				table[n] = spec
			}
		}
	}
	return table
}

// with adds the flags of other that t lacks.
func (t FlagTable) with(other FlagTable) FlagTable {
	for name, spec := range other {
		if _, ok := t[name]; !ok {
			t[name] = spec
		}
	}
	return t
}

func (t FlagTable) names() []string {
	var names []string
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Parsed is a command line, split into flags and arguments.
type Parsed struct {
	Flags      []string // in their long form, with their values
	Positional []string
	Indexes    []int // the index of each positional on the line
	closed     bool  // the first positional comes after "--"
	problem    *chat.Error
	unknownArg string // the first unknown flag, which may be meant as text
}

// refuse keeps the first error of the line.
func (w *Parsed) refuse(format string, args ...any) {
	if w.problem == nil {
		w.problem = chat.Errorf(chat.CodeInvalid, format, args...)
	}
}

func (w *Parsed) has(name string) bool {
	return slices.ContainsFunc(w.Flags, func(f string) bool { return f == name || strings.HasPrefix(f, name+"=") })
}

// isNumber reports whether an argument is a negative number, with or without a unit.
func isNumber(arg string) bool {
	return len(arg) > 1 && arg[0] == '-' && (arg[1] == '.' || arg[1] >= '0' && arg[1] <= '9')
}

// Split splits a line into flags and arguments. With takesNumbers, a negative number is an argument.
func Split(line []string, table FlagTable, takesNumbers bool) Parsed {
	var w Parsed
	for i := 0; i < len(line); i++ {
		arg := line[i]
		if arg == "--" {
			w.closed = len(w.Positional) == 0
			for j := i + 1; j < len(line); j++ {
				w.Positional, w.Indexes = append(w.Positional, line[j]), append(w.Indexes, j)
			}
			return w
		}
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || arg == "-" || strings.ContainsAny(name, " \t\n") || takesNumbers && isNumber(arg) {
			w.Positional, w.Indexes = append(w.Positional, arg), append(w.Indexes, i)
			continue
		}
		spec, known := table[name]
		at := valueAt(arg, table)
		switch {
		case !known && bundled(arg, table):
			for _, c := range arg[1:] {
				w.addFlag(table[string(c)], table[string(c)].bare, false)
			}
			continue
		case !known && at > 0 && spelling.Nearest(table.names(), name) == "":
			for _, c := range arg[1:at] {
				w.addFlag(table[string(c)], table[string(c)].bare, false)
			}
			spec, value = table[arg[at:at+1]], strings.TrimPrefix(arg[at+1:], "=")
			switch {
			case value != "":
			case i+1 < len(line) && line[i+1] != "--":
				i++
				value = line[i]
			default:
				w.refuse("flag needs a value: --%s", spec.Name)
				continue
			}
		case !known:
			w.unknown(arg, name, table)
			continue
		case spec.bare != "" && !given:
			value = spec.bare
			if i+1 < len(line) && spec.takes(line[i+1]) {
				i++
				value = line[i]
			}
		case spec.kind != switchKind && !given && i+1 < len(line) && line[i+1] != "--":
			i++
			value = line[i]
		case spec.kind != switchKind && !given:
			w.refuse("flag needs a value: --%s", spec.Name)
			continue
		}
		w.addFlag(spec, value, given)
	}
	return w
}

// isWord reports whether s can be an optional value of a flag: a single word, not a
// flag and not a prompt.
func isWord(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsAny(s, " \t\n")
}

// addFlag adds a flag after checking its value.
func (w *Parsed) addFlag(spec flagSpec, value string, given bool) {
	flag := "--" + spec.Name
	switch spec.kind {
	case switchKind:
		if _, err := strconv.ParseBool(value); given && err != nil {
			w.refuse("%s is a switch, and takes no value", flag)
		}
		if given {
			flag += "=" + value
		}
		w.Flags = append(w.Flags, flag)
		return
	case numberKind:
		if _, err := strconv.Atoi(value); err != nil && value != "" {
			w.refuse("%s takes a whole number, not %q", flag, value)
		}
	case durationKind:
		if _, err := time.ParseDuration(value); err != nil && value != "" {
			w.refuse("%s takes a duration with its unit, such as 5s, 2m or 1h30m, not %q", flag, value)
		}
	case textKind:
	}
	if value == "" && !spec.blank {
		w.refuse("flag needs a value: %s", flag)
	}
	w.Flags = append(w.Flags, flag+"="+value)
}

// unknown refuses an unknown flag and suggests a similar one.
func (w *Parsed) unknown(arg, name string, table FlagTable) {
	flag, _, _ := strings.Cut(arg, "=")
	if w.problem == nil {
		w.unknownArg = arg
	}
	if guess := spelling.Nearest(table.names(), name); guess != "" {
		w.refuse("there is no flag %s; did you mean --%s?", flag, guess)
		return
	}
	w.refuse("there is no flag %s", flag)
}

// bundled reports whether arg combines several one-letter flags that need no value,
// such as -qd.
func bundled(arg string, table FlagTable) bool {
	if strings.HasPrefix(arg, "--") || len(arg) < 3 {
		return false
	}
	for _, c := range arg[1:] {
		if spec, ok := table[string(c)]; !ok || spec.kind != switchKind && spec.bare == "" {
			return false
		}
	}
	return true
}

var lowerCaseWord = lazyregexp.New(`^[a-z]+$`)

// valueAt returns the index of the first of combined one-letter flags that needs a
// value: the rest of arg, as in -n2, or the next word, as in -qn 2. It returns 0 for
// anything else. If the rest is a word, as in -silent, arg is a misspelled flag, unless
// the word is a valid value of that flag.
func valueAt(arg string, table FlagTable) int {
	if strings.HasPrefix(arg, "--") || len(arg) < 3 {
		return 0
	}
	for i, c := range arg[1:] {
		spec, ok := table[string(c)]
		switch {
		case !ok:
			return 0
		case spec.kind == switchKind:
		case spec.bare != "" && !spec.takes(arg[i+2:]):
		case spec.bare == "" && spec.kind == textKind && lowerCaseWord.MatchString(arg[i+2:]):
			return 0
		default:
			return i + 1
		}
	}
	return 0
}

func Without(line []string, i int) []string {
	return append(slices.Clone(line[:i]), line[i+1:]...)
}
