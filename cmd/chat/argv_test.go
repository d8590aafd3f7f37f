package main

import (
	"slices"
	"strings"
	"testing"

	"chat"
)

func TestArrange(t *testing.T) {
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
		got, err := reorder((&program{}).app(), append([]string{"chat"}, args...))
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
		_, err := reorder((&program{}).app(), append([]string{"chat"}, strings.Split(in, "|")...))
		if !chat.IsCode(err, chat.CodeInvalid) || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", in, err, want)
		}
	}
}

func TestASlipInACommandIsNotAPrompt(t *testing.T) {
	for word, command := range map[string]string{"sned": "send", "attatch": "attach", "model": "models", "versoin": "version", "shw": "show"} {
		_, err := reorder((&program{}).app(), []string{"chat", word, "hello"})
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), `"`+command+`"`) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, word := range []string{"hi", "hello", "why", "is", "as", "go", "test", "tell", "thanks", "more", "explain"} {
		if _, err := reorder((&program{}).app(), []string{"chat", word}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range (&program{}).app().Commands {
		if !c.Hidden && (c.Usage == "" || c.ArgsUsage == "" && c.Subcommands == nil) {
			t.Errorf("%s lacks help", c.Name)
		}
		if got := find((&program{}).app().Commands, c.Name); (got == nil) != (c.Name == rootName) {
			t.Errorf("%s: found %v", c.Name, got)
		}
	}
}

func TestExitCodes(t *testing.T) {
	seen := map[chat.Code]int{}
	for _, row := range exitTable() {
		for _, c := range row.errors {
			if other, ok := seen[c]; ok {
				t.Errorf("%s leads to %d and %d", c, other, row.code)
			}
			seen[c] = row.code
		}
		if !strings.Contains(exitHelp(), row.meaning) {
			t.Errorf("help lacks %q", row.meaning)
		}
	}
	for code, want := range map[chat.Code]int{
		chat.CodeInvalid: 2, chat.CodeNotFound: 3, chat.CodeNotConfigured: 4, chat.CodeProviderAuth: 4, chat.CodeProviderQuota: 5,
		chat.CodeProviderConnect: 6, chat.CodeDaemon: 7, chat.CodeCancelled: 8, chat.CodeDeadline: 9, chat.CodeClientTimeout: 124, "something new": 1,
	} {
		if got := exitOf(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestLooksLikeID(t *testing.T) {
	for s, want := range map[string]bool{
		"last": true, "7f3a": true, "7F3A": true, "0199-aa": true, "abc": true, "xyz": false, "": false, "hello": false,
		"01a2067d-838a-7ef8-9abd-0f4bf7873c56": true, "01a2067d-838a-7ef8-9abd-0f4bf7873c567": false,
	} {
		if got := looksLikeID(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestParseHost(t *testing.T) {
	for host, want := range map[string]string{
		"unix:///run/x.sock": "unix /run/x.sock", "http://localhost:8080": "tcp localhost:8080", "http://h": "tcp h:80",
		"https://h/": "tcp h:443", "http://[::1]:9": "tcp [::1]:9",
		"unix://relative": "", "unix://h/x": "", "http://": "", "ftp://x": "", "h:80": "", "http://u:p@h": "", "http://h/path": "", "http://h?token=x": "",
	} {
		e, err := parseHost(host, "tok")
		if got := strings.TrimSpace(e.Network + " " + e.Address); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
}
