package main

import (
	"strings"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"

	"chat"
)

// commandAliases maps the names that other programs use to the command of this one.
func commandAliases() map[string]string {
	return map[string]string{
		"list": "chat ls", "history": "chat ls", "conversations": "chat ls", "jobs": "chat ps", "tasks": "chat ps",
		"delete": "chat rm", "remove": "chat rm", "del": "chat rm", "kill": "chat stop", "cancel": "chat stop",
		"run": "chat send", "ask": "chat send", "new": "chat", "resume": "chat -r", "continue": "chat -c",
		"status": "chat daemon status", "logs": "chat daemon logs", "log": "chat daemon logs",
		"start": "chat daemon start", "restart": "chat daemon restart", "serve": "chatd",
		"login": "chat auth login", "cat": "chat show", "view": "chat show", "open": "chat -r",
	}
}

// suggestCommand refuses words that were meant as a command. One word alone is
// compared with all that a command is or might be called; with more words, which
// may well be a question, only a slip in a command's name counts.
func suggestCommand(commands []*cli.Command, line []string) error {
	word, again := line[0], "To send it as a message: chat send "+strings.Join(line, " ")
	if len(line) == 1 {
		if meant := commandAliases()[word]; meant != "" {
			return chat.Errorf(chat.CodeInvalid, "there is no command %q; did you mean %q? %s", word, meant, again)
		}
	}
	if guess := typo(commands, word, len(line) == 1); guess != "" {
		return chat.Errorf(chat.CodeInvalid, "there is no command %q; did you mean %q? %s", word, guess, again)
	}
	return nil
}

// typo is the command that word is one slip away from, or "". Short names are
// near to too many words of a sentence, so they count only when the word stands
// alone and begins with the same letter.
func typo(commands []*cli.Command, word string, alone bool) string {
	for _, c := range commands {
		if c.Hidden || c.Name == rootName {
			continue
		}
		short := len(c.Name) < 4
		if short && (!alone || word == "" || word[0] != c.Name[0]) {
			continue
		}
		if oneSlip(word, c.Name) {
			return c.Name
		}
	}
	return ""
}

// nearest is the name that is one slip away from word, or else the one that shares
// most with it if the rest is at most a third of it; or "".
func nearest(names []string, word string) string {
	for _, name := range names {
		if len(name) > 2 && oneSlip(word, name) {
			return name
		}
	}
	best, at := "", 0
	for _, name := range names {
		if d := smetrics.WagnerFischer(word, name, 1, 1, 1); d <= len(name)/3 && (best == "" || d < at) {
			best, at = name, d
		}
	}
	return best
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
