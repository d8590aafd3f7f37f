package arch

// clientRules are the packages of the screen, the command line and the programs.
var clientRules = map[string]rule{
	"chat/tui": {
		[]string{"chat", "chat/tui/", "chat/internal/term/", charm},
		"routes messages between the parts of the screen behind a Backend interface: no HTTP, no daemon",
	},
	"chat/tui/conversation": {
		[]string{"chat", "chat/internal/term/sanitize", "chat/internal/thread", "chat/tui/follow", "chat/tui/jobs", "chat/tui/transcript", charm, "chat/internal/term/attach"},
		"owns the open conversation: it knows neither the input nor the queue",
	},
	"chat/tui/input": {
		[]string{"chat", "chat/internal/term/attach", "chat/internal/term/sanitize", "chat/internal/term/theme", "chat/tui/composer", "chat/tui/drafts", "chat/tui/jobs", charm},
		"owns the text that is being written: it does not know who sends it",
	},
	"chat/tui/backend": {
		[]string{"chat", "chat/tui/connection", "chat/tui/deletion"},
		"what the screen needs of the server: interfaces",
	},
	"chat/tui/queue": {
		[]string{"chat", "chat/tui/drafting", "chat/tui/jobs", "chat/tui/transcript", charm, "chat/internal/term/attach"},
		"owns the messages that wait to be sent: it does not know which conversation is open",
	},
	"chat/tui/drafting": {
		[]string{"chat/tui/drafts", "chat/tui/jobs", charm},
		"keeps unsent text: it does not know where the text comes from",
	},
	"chat/tui/connection": {
		[]string{"chat", "chat/internal/term/sanitize", "chat/internal/term/theme", "chat/tui/jobs", charm},
		"owns what the server said last: it knows no screen",
	},
	"chat/tui/deletion": {
		[]string{"chat/tui/jobs", charm},
		"owns the deletions that can be undone: it knows no screen",
	},
	"chat/tui/status": {
		[]string{"chat", "chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"draws the rows around the conversation: a function of its arguments and one notice",
	},
	"chat/tui/terminal": {
		[]string{"chat/internal/term/editor", "chat/internal/term/theme", "chat/tui/jobs", charm},
		"owns the modes of the terminal: it does not know what is shown",
	},
	"chat/tui/keymap": {
		[]string{"chat/internal/term/keyboard", "chat/internal/term/theme", charm},
		"the table of keys: it does not know what actions do",
	},
	"chat/tui/lists": {
		[]string{"chat/internal/term/age", "chat", "chat/internal/term/sanitize", "chat/tui/panel"},
		"rows of lists: functions of what the server said",
	},
	"chat/tui/jobs": {
		[]string{charm},
		"runs commands: it does not know what they do",
	},
	"chat/tui/plain": {
		[]string{"chat", "chat/internal/term/citation", "chat/internal/term/sanitize", "github.com/muesli/cancelreader", "chat/internal/term/attach"},
		"a conversation in lines, for screen readers: knows no screen",
	},
	"chat/internal/term/age": {nil, "a function of a duration"},
	"chat/internal/term/markdown": {
		[]string{"chat/internal/term/citation", "chat/internal/term/sanitize", "chat/internal/term/highlight", charm, "github.com/yuin/goldmark/"},
		"Markdown to styled lines: a function of text and width",
	},
	"chat/internal/term/markdown/contain": {
		[]string{"github.com/yuin/goldmark/"},
		"makes Markdown a part of a larger document: a function of text",
	},
	"chat/internal/term/highlight": {
		nil,
		"tells the parts of code apart: a function of a line and a few bytes of state",
	},
	"chat/internal/term/sanitize": {
		nil,
		"the one border that text of a model crosses to reach a terminal",
	},
	"chat/internal/term/citation": {
		[]string{"chat/internal/lazyregexp"},
		"takes out of an answer what only its provider's page can show: a function of the text",
	},
	"chat/internal/term/sanitize/hostile": {
		[]string{charm},
		"texts against terminals and the check of what is shown of them, for tests of any screen",
	},
	"chat/internal/term/background": {
		[]string{charm},
		"says whether the terminal is dark, and asks nobody else",
	},

	"chat/internal/term/theme": {
		[]string{"chat", "chat/internal/term/highlight", "chat/internal/term/markdown"},
		"colours, in one place",
	},
	"chat/tui/transcript": {
		[]string{"chat", "chat/internal/term/attach", "chat/internal/term/citation", "chat/internal/term/markdown", "chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"draws messages: a function of the conversation and the width",
	},
	"chat/tui/composer": {
		[]string{"chat/internal/term/sanitize", charm},
		"edits the next message: it does not know who sends it",
	},
	"chat/internal/term/charset": {
		nil,
		"reads the texts of other programs: bytes to UTF-8, or the reason why not",
	},
	"chat/internal/term/editor": {
		[]string{"chat", "chat/internal/term/charset"},
		"runs the user's editor on a text: it knows neither the screen nor what the text is for",
	},
	"chat/internal/term/attach": {
		[]string{"chat", "chat/internal/term/charset"},
		"finds, reads and recognises the files of messages: it knows no screen",
	},
	"chat/tui/clipboard": {
		[]string{"chat"},
		"copies text by the best way there is: it knows no screen",
	},
	"chat/tui/drafts": {
		[]string{"chat", "chat/internal/lazyregexp"},
		"what was written but not sent, on disk: it knows no screen",
	},
	"chat/internal/term/keyboard": {
		[]string{"golang.org/x/sys/unix"},
		"tells what is typed from what the terminal says: it knows no screen",
	},
	"chat/internal/term/paint": {
		[]string{charm},
		"puts views on a terminal: it does not know of what",
	},
	"chat/tui/panel": {
		[]string{"chat", "chat/internal/term/sanitize", "chat/internal/term/theme", "chat/tui/jobs", charm},
		"a list to choose from: it does not know of what",
	},
	"chat/tui/top": {
		[]string{"chat/internal/report", "chat/internal/term/age", "chat", "chat/internal/term/background", "chat/internal/term/keyboard", "chat/internal/term/paint", "chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"how a server stands, live: it knows no HTTP",
	},
	"chat/internal/thread": {
		[]string{"chat"},
		"the way through a tree of messages",
	},
	"chat/tui/follow": {
		[]string{"chat"},
		"turns streams into batches a screen can draw: it knows no HTTP",
	},

	"chat/internal/cli/browser": {
		[]string{"chat", "chat/daemon/client", "chat/internal/cli/arguments", "chat/internal/cli/output", "github.com/urfave/cli/v2", "rsc.io/qr"},
		"shows the address of the page, in a browser or as a code: it does not know the page",
	},
	"chat/internal/cli/spelling": {
		[]string{"github.com/xrash/smetrics"},
		"what a misspelled name stands for: a function of words",
	},
	"chat/internal/cli/codeblock": {
		[]string{"chat"},
		"the code blocks of an answer: a function of the text",
	},
	"chat/internal/cli/exit": {
		[]string{"chat"},
		"which error leads to which exit code, in one table",
	},
	"chat/internal/cli/signals": {
		nil,
		"the one place of the client that handles signals",
	},
	"chat/internal/cli/output": {
		[]string{"chat", "chat/internal/lazyregexp", "chat/internal/term/", charm, goUUID, "golang.org/x/sys/unix"},
		"all that is written: it knows no command and no server",
	},
	"chat/internal/cli/arguments": {
		[]string{"chat", "chat/internal/cli/codeblock", "chat/internal/cli/spelling", "chat/internal/fetch", "chat/internal/lazyregexp", "github.com/urfave/cli/v2"},
		"flags and the order of a command line: no I/O",
	},
	"chat/internal/cli/settings": {
		[]string{"chat", "chat/daemon", "chat/daemon/keyring", "chat/daemon/local", "chat/tui", "chat/internal/cli/output", "chat/internal/cli/spelling", "chat/internal/lazyregexp", "chat/internal/term/", "github.com/BurntSushi/toml"},
		"the config file: it knows no command and no server",
	},
	"chat/internal/cli/connect": {
		[]string{"chat", "chat/daemon", "chat/daemon/client", "chat/daemon/local", "chat/internal/cli/output", goUUID},
		"finds or starts the server: it does not know what it is asked",
	},
	"chat/internal/cli/listing": {
		[]string{"chat", "chat/daemon/client", "chat/internal/cli/ids", "chat/internal/cli/output"},
		"lists of conversations, tasks and usage as commands show them",
	},
	"chat/internal/cli/ids": {
		[]string{"chat", "chat/daemon/client", "chat/internal/term/sanitize"},
		"what a user means by a part of an id",
	},
	"chat/internal/fetch": {
		[]string{"chat", "golang.org/x/net/", "github.com/JohannesKaufmann/html-to-markdown/v2"},
		"gets a file at a web address, within limits: it knows neither messages nor flags",
	},
	"chat/internal/cli/prompt": {
		[]string{"chat", "chat/internal/cli/output", "chat/internal/cli/signals", "chat/internal/fetch", "chat/internal/schema", "chat/internal/schema/shorthand", "chat/internal/term/", charm, "github.com/urfave/cli/v2"},
		"what is sent: it does not know to whom",
	},
	"chat/internal/cli/answer": {
		[]string{"chat", "chat/daemon/client", "chat/internal/cli/", "chat/internal/schema", charm},
		"follows an answer and shows it: it does not know which command asked",
	},
	"chat/internal/cli/printing": {
		[]string{"chat/internal/report", "chat", "chat/internal/cli/", "chat/internal/term/", "chat/internal/thread", charm},
		"a conversation as text: it asks no server",
	},
	"chat/internal/cli/foreign": {
		[]string{"chat/internal/transcript", "chat", "chat/internal/cli/codeblock", "chat/internal/cli/ids", "chat/internal/lazyregexp", "chat/internal/term/", "chat/internal/blocks"},
		"formats of exports: functions of one conversation's bytes",
	},
	"chat/internal/cli/transfer": {
		[]string{"chat/internal/transcript", "chat", "chat/daemon/client", "chat/internal/cli/", "chat/internal/term/"},
		"reads and writes files of conversations: it does not know where they are stored",
	},
	"chat/internal/cli/doctor": {
		[]string{"chat", "chat/daemon", "chat/daemon/client", "chat/daemon/keyring", "chat/daemon/local", "chat/internal/cli/", charm, "golang.org/x/sys/unix"},
		"checks of the setup: it changes nothing",
	},
	"chat/internal/cli/completion": {
		[]string{"chat", "chat/daemon/client", "chat/internal/cli/", "chat/internal/term/", "github.com/urfave/cli/v2"},
		"what a word may be completed to: it starts no daemon",
	},
	"chat/internal/cli/fullscreen": {
		[]string{"chat/internal/report", "chat/tui/backend", "chat", "chat/daemon/client", "chat/tui", "chat/tui/top", "chat/internal/cli/", "chat/internal/term/sanitize", charm},
		"the screen with a client behind it: package tui knows no HTTP",
	},
	"chat/internal/cli/localdaemon": {
		[]string{"chat", "chat/daemon", "chat/daemon/local", "chat/internal/cli/", "github.com/urfave/cli/v2"},
		"the commands that manage the local daemon",
	},
	"chat/internal/cli/service": {
		[]string{"chat", "chat/daemon/local", "chat/internal/cli/output"},
		"service managers: the only place that knows them",
	},
	"chat/internal/cli/keys": {
		[]string{"chat", "chat/daemon", "chat/daemon/client", "chat/daemon/keyring", "chat/internal/cli/", charm},
		"where a key is kept, and whether the provider accepts it",
	},
	"chat/internal/cli/manpage": {
		[]string{"chat/daemon", "chat/internal/cli/", "chat/internal/fetch", "github.com/urfave/cli/v2"},
		"the help texts in roff: a function of the commands",
	},

	"chat/cmd/chat": {
		[]string{"chat/internal/report", "chat/internal/transcript", "chat", "chat/sse", "chat/daemon", "chat/daemon/client", "chat/daemon/keyring", "chat/daemon/local", "chat/tui", "chat/internal/cli/", "chat/internal/term/", charm, "github.com/urfave/cli/v2"},
		"the commands: each reads its flags and calls the packages that do the work",
	},
	"chat/cmd/chatd": {
		[]string{"chat", "chat/daemon", "chat/daemon/client", "chat/daemon/local", goUUID, "github.com/urfave/cli/v2"},
		"the server's program: flags and exit codes around packages daemon and local",
	},
}
