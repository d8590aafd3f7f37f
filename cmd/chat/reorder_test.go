package main

import (
	"slices"
	"strings"
	"testing"

	"chat"
	"chat/internal/cli/arguments"
)

func TestReorder(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "(chat)|--"},
		{"hello|world", "(chat)|--|hello|world"},
		{"hello|-m|x", "(chat)|--model=x|--|hello"},
		{"-m|x|hello", "(chat)|--model=x|--|hello"},
		{"send|hello|--model|x|world", "send|--model=x|--|hello|world"},
		{"-m|x|send|hello", "send|--model=x|--|hello"},
		{"--host|http://h|send|hi", "send|--host=http://h|--|hi"},
		{"send|hello|--model=x", "send|--model=x|--|hello"},
		{"send|hello|-s|a|--system|-b", "send|--system=a|--system=-b|--|hello"},
		{"send|--|-m|x", "send|--|-m|x"},
		{"send|-", "send|--|-"},
		{"send|-f|-|hi", "send|--file=-|--|hi"},
		{"send|- a list item", "send|--|- a list item"},
		{"send|--file|a,b|-f|c", "send|--file=a,b|--file=c|--"},
		{"send|-dm|gpt|hi", "send|--detach|--model=gpt|--|hi"},
		{"send|-qmgpt-4o|hi", "send|--quiet|--model=gpt-4o|--|hi"},
		{"send|-xlast|hi", "send|--extract=last|--|hi"},
		{"send|-qm=gpt|hi", "send|--quiet|--model=gpt|--|hi"},
		{"ls|-n2", "ls|--limit=2|--"},
		{"ls|-qn|2", "ls|--quiet|--limit=2|--"},
		{"send|-dq|hi", "send|--detach|--quiet|--|hi"},
		{"send|help", "send|--|help"},
		{"send|ls", "send|--|ls"},
		{"--|ls", "(chat)|--|ls"},
		{"ls", "ls|--"},
		{"ls|-n|3", "ls|--limit=3|--"},
		{"daemon|logs|-f", "daemon|logs|--follow|--"},
		{"daemon|-f|logs", "daemon|logs|--follow|--"},
		{"-q|daemon|status|--json", "daemon|status|--quiet|--json|--"},
		{"daemon|nonsense", "daemon|--|nonsense"},
		{"-r", "(chat)|--resume=?|--"},
		{"-r|7f3a91bc", "(chat)|--resume=7f3a91bc|--"},
		{"-r|7f3a91bc|go on", "(chat)|--resume=7f3a91bc|--|go on"},
		{"-r|what now", "(chat)|--resume=?|--|what now"},
		{"-r|nope", "(chat)|--resume=nope|--"},
		{"-r|--|nope", "(chat)|--resume=?|--|nope"},
		{"-r|-q", "(chat)|--resume=?|--quiet|--"},
		{"--version", "version"},
		{"--help", "--help"},
		{"send|--help", "send|--help"},
		{"send|--nonsense|--help", "send|--help"},
		{"-c|-q", "(chat)|--continue|--quiet|--"},
		{"listen to this", "(chat)|--|listen to this"},
		{"-c|continue", "(chat)|--continue|--|continue"},
	}
	for _, tc := range tests {
		var args []string
		if tc.in != "" {
			args = strings.Split(tc.in, "|")
		}
		got, err := arguments.Reorder(noProgram().app(), append([]string{"chat"}, args...))
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if want := append([]string{"chat"}, strings.Split(tc.want, "|")...); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", tc.in, got, want)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	for in, want := range map[string]string{
		"send|-m":               "flag needs a value: --model (`chat send --help` lists the flags)",
		"send|hi|-s|--":         "flag needs a value: --system (`chat send --help` lists the flags)",
		"-m=":                   "flag needs a value: --model (`chat --help` lists the flags)",
		"send|-dm":              "flag needs a value: --model (`chat send --help` lists the flags)",
		"send|-silent|hi":       "there is no flag -silent (`chat send --help` lists the flags; as text: chat send -- -silent)",
		"send|-fast|hi":         "there is no flag -fast (`chat send --help` lists the flags; as text: chat send -- -fast)",
		"send|-md|hi":           "there is no flag -md (`chat send --help` lists the flags; as text: chat send -- -md)",
		"send|-zm|hi":           "there is no flag -zm (`chat send --help` lists the flags; as text: chat send -- -zm)",
		"ls|-nx":                "--limit takes a whole number, not \"x\" (`chat ls --help` lists the flags)",
		"send|--nonsense|x":     "there is no flag --nonsense (`chat send --help` lists the flags; as text: chat send -- --nonsense)",
		"daemon|logs|-n|x":      "--lines takes a whole number, not \"x\" (`chat daemon logs --help` lists the flags)",
		"wait|--timeout|5":      "--timeout takes a duration with its unit, such as 5s, 2m or 1h30m, not \"5\" (`chat wait --help` lists the flags)",
		"send|-d=perhaps|hello": "--detach is a switch, and takes no value (`chat send --help` lists the flags)",
		"-5":                    "there is no flag -5 (`chat --help` lists the flags; as text: chat -- -5)",
		"ps|--jsno":             "there is no flag --jsno; did you mean --json? (`chat ps --help` lists the flags)",
	} {
		_, err := arguments.Reorder(noProgram().app(), append([]string{"chat"}, strings.Split(in, "|")...))
		if !chat.IsCode(err, chat.CodeInvalid) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", in, err, want)
		}
	}
}

func TestASlipInACommandIsNotAPrompt(t *testing.T) {
	for word, command := range map[string]string{"sned": "send", "attatch": "attach", "model": "models", "versoin": "version", "shw": "show"} {
		_, err := arguments.Reorder(noProgram().app(), []string{"chat", word, "hello"})
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), `"`+command+`"`) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, word := range []string{"hi", "hello", "why", "is", "as", "go", "test", "tell", "thanks", "more", "explain"} {
		if _, err := arguments.Reorder(noProgram().app(), []string{"chat", word}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range noProgram().app().Commands {
		if !c.Hidden && (c.Usage == "" || c.ArgsUsage == "" && c.Subcommands == nil) {
			t.Errorf("%s lacks help", c.Name)
		}
		if got := arguments.FindCommand(noProgram().app().Commands, c.Name); (got == nil) != (c.Name == arguments.RootName) {
			t.Errorf("%s: found %v", c.Name, got)
		}
	}
}
