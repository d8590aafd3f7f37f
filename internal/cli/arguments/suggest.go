package arguments

import (
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/cli/spelling"
)

// commandAliases maps command names of other programs to those of chat.
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

// suggestCommand refuses words that look like a command. A single word is compared with
// the command names and their aliases. Several words may be a question, so that only a
// misspelled command name counts.
func suggestCommand(commands []*cli.Command, line []string) error {
	word, asMessage := line[0], "To send it as a message: chat send "+strings.Join(line, " ")
	if len(line) == 1 {
		if alias := commandAliases()[word]; alias != "" {
			return chat.Errorf(chat.CodeInvalid, "there is no command %q; did you mean %q? %s", word, alias, asMessage)
		}
	}
	if guess := typo(commands, word, len(line) == 1); guess != "" {
		return chat.Errorf(chat.CodeInvalid, "there is no command %q; did you mean %q? %s", word, guess, asMessage)
	}
	return nil
}

// typo returns the command that word misspells, or "". Short names resemble too many
// words, so they count only for a single word with the same first letter.
func typo(commands []*cli.Command, word string, alone bool) string {
	for _, c := range commands {
		if c.Hidden || c.Name == RootName {
			continue
		}
		short := len(c.Name) < 4
		if short && (!alone || word == "" || word[0] != c.Name[0]) {
			continue
		}
		if spelling.OneSlip(word, c.Name) {
			return c.Name
		}
	}
	return ""
}
