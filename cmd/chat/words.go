package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
)

// flagKind is what a flag takes.
type flagKind int

const (
	switchKind flagKind = iota // nothing
	textKind
	numberKind
	durationKind
)

// flagSpec is a flag as the command line is read: its long name and what it takes.
type flagSpec struct {
	name string
	kind flagKind
	// blank says that an empty value means something.
	blank bool
	// bare is the value if none is given, and a word that follows is one if takes
	// says so. Of most flags it is "": they need a value.
	bare  string
	takes func(string) bool
}

// flagTable maps every name of a flag to its spec.
type flagTable map[string]flagSpec

func tableOf(lists ...[]cli.Flag) flagTable {
	help := flagSpec{name: "help"}
	table := flagTable{"help": help, "h": help, "version": {name: "version"}}
	for _, list := range lists {
		for _, f := range list {
			spec := flagSpec{name: f.Names()[0], kind: textKind, blank: f.Names()[0] == "system"}
			switch spec.name {
			case "resume":
				spec.bare, spec.takes = pick, isWord
			case "extract":
				spec.bare, spec.takes = firstBlock, isBlockChoice
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

// with adds the flags of other that t does not have.
func (t flagTable) with(other flagTable) flagTable {
	for name, spec := range other {
		if _, ok := t[name]; !ok {
			t[name] = spec
		}
	}
	return t
}

func (t flagTable) names() []string {
	var names []string
	for name := range t {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// parsed is a command line, split into flags and arguments.
type parsed struct {
	flags      []string // in their long form, with their values
	positional []string
	at         []int // the place of each positional on the line
	closed     bool  // the first positional stands after "--"
	problem    *chat.Error
	unknownArg string // the first argument that is a flag only by its looks
}

// refuse keeps the first thing that is wrong with the line.
func (w *parsed) refuse(format string, args ...any) {
	if w.problem == nil {
		w.problem = chat.Errorf(chat.CodeInvalid, format, args...)
	}
}

func (w *parsed) has(name string) bool {
	return slices.ContainsFunc(w.flags, func(f string) bool { return f == name || strings.HasPrefix(f, name+"=") })
}

// isNumber reports whether an argument is a negative number, with a unit or without
// one, which no flag is.
func isNumber(arg string) bool {
	return len(arg) > 1 && arg[0] == '-' && (arg[1] == '.' || arg[1] >= '0' && arg[1] <= '9')
}

// split sorts a line. takesNumbers says that a negative number is an argument.
func split(line []string, table flagTable, takesNumbers bool) parsed {
	var w parsed
	for i := 0; i < len(line); i++ {
		arg := line[i]
		if arg == "--" {
			w.closed = len(w.positional) == 0
			for j := i + 1; j < len(line); j++ {
				w.positional, w.at = append(w.positional, line[j]), append(w.at, j)
			}
			return w
		}
		name, value, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !strings.HasPrefix(arg, "-") || arg == "-" || strings.ContainsAny(name, " \t\n") || takesNumbers && isNumber(arg) {
			w.positional, w.at = append(w.positional, arg), append(w.at, i)
			continue
		}
		spec, known := table[name]
		at := valueAt(arg, table)
		switch {
		case !known && bundled(arg, table):
			for _, c := range arg[1:] {
				w.take(table[string(c)], table[string(c)].bare, false)
			}
			continue
		case !known && at > 0 && nearest(table.names(), name) == "":
			for _, c := range arg[1:at] {
				w.take(table[string(c)], table[string(c)].bare, false)
			}
			spec, value = table[arg[at:at+1]], strings.TrimPrefix(arg[at+1:], "=")
			switch {
			case value != "":
			case i+1 < len(line) && line[i+1] != "--":
				i++
				value = line[i]
			default:
				w.refuse("flag needs a value: --%s", spec.name)
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
			w.refuse("flag needs a value: --%s", spec.name)
			continue
		}
		w.take(spec, value, given)
	}
	return w
}

// isWord reports whether s can be the value of a flag that need not have one: a
// word, not another flag and not a whole prompt.
func isWord(s string) bool {
	return s != "" && s[0] != '-' && !strings.ContainsAny(s, " \t\n")
}

// take adds a flag, if its value is one that it takes.
func (w *parsed) take(spec flagSpec, value string, given bool) {
	flag := "--" + spec.name
	switch spec.kind {
	case switchKind:
		if _, err := strconv.ParseBool(value); given && err != nil {
			w.refuse("%s is a switch, and takes no value", flag)
		}
		if given {
			flag += "=" + value
		}
		w.flags = append(w.flags, flag)
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
	w.flags = append(w.flags, flag+"="+value)
}

// unknown refuses a flag that does not exist, and guesses which one was meant.
func (w *parsed) unknown(arg, name string, table flagTable) {
	flag, _, _ := strings.Cut(arg, "=")
	if w.problem == nil {
		w.unknownArg = arg
	}
	if guess := nearest(table.names(), name); guess != "" {
		w.refuse("there is no flag %s; did you mean --%s?", flag, guess)
		return
	}
	w.refuse("there is no flag %s", flag)
}

// bundled reports whether arg is several one-letter flags in one that need no
// value, as -qd.
func bundled(arg string, table flagTable) bool {
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

var aWord = regexp.MustCompile(`^[a-z]+$`)

// valueAt is where, in several one-letter flags in one, the first one stands that
// needs a value: it is the rest of arg, as in -n2, or the next word, as in -qn 2. It
// is 0 if arg is something else. A rest that is a word is a slip in a flag's name,
// as -silent is, unless it is one of the flag's own values.
func valueAt(arg string, table flagTable) int {
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
		case spec.bare == "" && spec.kind == textKind && aWord.MatchString(arg[i+2:]):
			return 0
		default:
			return i + 1
		}
	}
	return 0
}

func without(line []string, i int) []string {
	return append(slices.Clone(line[:i]), line[i+1:]...)
}
