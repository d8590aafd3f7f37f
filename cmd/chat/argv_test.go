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
		{"hello|-m|x", "(chat)|-m|x|--|hello"},
		{"-m|x|hello", "(chat)|-m|x|--|hello"},
		{"send|hello|--model|x|world", "send|--model|x|--|hello|world"},
		{"-m|x|send|hello", "send|-m|x|--|hello"},
		{"--host|http://h|send|hi", "send|--host|http://h|--|hi"},
		{"send|hello|--model=x", "send|--model=x|--|hello"},
		{"send|--|-m|x", "send|--|-m|x"},
		{"send|-", "send|--|-"},
		{"send|-f|-|hi", "send|-f|-|--|hi"},
		{"send|- a list item", "send|--|- a list item"},
		{"send|--file|a,b|-f|c", "send|--file|a,b|-f|c|--"},
		{"send|-dq|hi", "send|-d|-q|--|hi"},
		{"send|-dm|hi", "send|-dm|--|hi"}, // not all of them are switches
		{"send|help", "send|--|help"},
		{"send|ls", "send|--|ls"},
		{"--|ls", "(chat)|--|ls"},
		{"ls", "ls|--"},
		{"ls|-n|3", "ls|-n|3|--"},
		{"daemon|logs|-f", "daemon|logs|-f|--"},
		{"daemon|-f|logs", "daemon|logs|-f|--"},
		{"-q|daemon|status|--json", "daemon|status|-q|--json|--"},
		{"daemon|nonsense", "daemon|--|nonsense"},
		{"-r", "(chat)|--resume=?|--"},
		{"-r|7f3a91bc", "(chat)|--resume=7f3a91bc|--"},
		{"-r|7f3a91bc|go on", "(chat)|--resume=7f3a91bc|--|go on"},
		{"-r|what now", "(chat)|--resume=?|--|what now"},
		{"--version", "version"},
		{"--help", "--help"},
		{"send|--help", "send|--help|--"},
		{"-c|-q", "(chat)|-c|-q|--"},
		{"send|--nonsense|x", "send|--nonsense|--|x"},
		{"send|-m", "send|-m|--"},
		{"listen to this", "(chat)|--|listen to this"},
	}
	for _, tc := range tests {
		var args []string
		if tc.in != "" {
			args = strings.Split(tc.in, "|")
		}
		got, err := arrange((&program{}).app(), append([]string{"chat"}, args...))
		if err != nil {
			t.Errorf("%s: %v", tc.in, err)
			continue
		}
		if want := append([]string{"chat"}, strings.Split(tc.want, "|")...); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", tc.in, got, want)
		}
	}
}

func TestASlipInACommandIsNotAPrompt(t *testing.T) {
	for word, command := range map[string]string{"sned": "send", "attatch": "attach", "model": "models", "versoin": "version", "shw": "show"} {
		_, err := arrange((&program{}).app(), []string{"chat", word, "hello"})
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), `"`+command+`"`) {
			t.Errorf("%s: %v", word, err)
		}
	}
	for _, word := range []string{"hi", "hello", "why", "lst", "explain"} {
		if _, err := arrange((&program{}).app(), []string{"chat", word}); err != nil {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range (&program{}).app().Commands {
		if c.Name != rootName && (c.Usage == "" || c.ArgsUsage == "" && c.Subcommands == nil) {
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
		"last": true, "7f3a": true, "7F3A": true, "0199-aa": true, "abc": false, "": false, "hello": false,
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
