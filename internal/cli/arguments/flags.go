package arguments

import (
	"slices"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/internal/fetch"
)

// CommonFlags returns the flags of every command.
func CommonFlags() []cli.Flag { return append(ServerFlags(false), NoticeFlags()...) }

// ServerFlags returns the flags that select the server. Commands without a server hide
// them, so that they can refuse them with an explanation.
func ServerFlags(hidden bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Hidden: hidden, Usage: "use the daemon at `URL`: unix:///path or http://host:port (also $CHAT_HOST; the token for http is $CHAT_TOKEN)"},
		&cli.BoolFlag{Name: "no-daemon", Hidden: hidden, Usage: "run the server in this process: closing the terminal ends the answer (also $CHAT_NO_DAEMON)", DisableDefaultText: true},
	}
}

// NoticeFlags returns the flags for notices and colors.
func NoticeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "print no notices on stderr", DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "print more notices on stderr: ids, positions, connections", DisableDefaultText: true},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN`: auto, always or never; auto obeys NO_COLOR, CLICOLOR_FORCE and TERM"},
	}
}

func LimitFlag() cli.Flag {
	return &cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Value: 50, Usage: "list at most `N`, from 1 to 200"}
}

// conversationFlags returns the flags for the conversation, the model and the prompt.
func conversationFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "conversation", Aliases: []string{"C"}, Usage: "continue the conversation `ID` (or a prefix or suffix of its id)"},
		&cli.BoolFlag{Name: "continue", Aliases: []string{"c"}, Usage: "continue the newest conversation", DisableDefaultText: true},
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask (`chat models` lists them)"},
		&cli.StringFlag{Name: "role", Usage: "start with the role `NAME`: its system prompt, model and parameters (`chat roles` lists them)"},
		&cli.StringFlag{Name: "system", Aliases: []string{"s"}, Usage: "system prompt `TEXT` of a new conversation"},
		fileFlag(), privateFlag(),
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"},
		&cli.BoolFlag{Name: "no-stdin", Usage: "do not read stdin", DisableDefaultText: true},
	}
}

func fileFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "attach the text, image or PDF at `PATH`, which may be an http(s) URL, or - for stdin (may be repeated)"}
}

func privateFlag() cli.Flag {
	return &cli.BoolFlag{Name: fetch.Flag, Usage: "attach from URLs on this machine and in private networks, too (also $" + fetch.Variable + ")", DisableDefaultText: true}
}

// FileFlags returns the flags that attach files.
func FileFlags() []cli.Flag { return []cli.Flag{fileFlag(), privateFlag()} }

// OutputFlags returns the flags that select how an answer is written.
func OutputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "write one JSON object when the answer is complete", DisableDefaultText: true},
		&cli.BoolFlag{Name: "jsonl", Usage: "write events as JSON lines as they arrive", DisableDefaultText: true},
		&cli.BoolFlag{Name: "raw", Usage: "on a terminal: write the text as the model wrote it, without formatting", DisableDefaultText: true},
		&cli.StringFlag{Name: "extract", Aliases: []string{"x"}, Usage: "write only one code block of the answer: `[first|last|N]`, by default the first"},
		&cli.BoolFlag{Name: "no-stream", Usage: "write the answer only when it is complete", DisableDefaultText: true},
		&cli.StringFlag{Name: "reasoning", Value: "hide", Usage: "`MODE`: hide, show or only; show writes the reasoning to stderr, only writes it instead of the answer"},
		&cli.StringFlag{Name: "output", Aliases: []string{"O"}, Usage: "write to `FILE` instead of stdout when the answer is complete; an existing file is replaced atomically, and only by a complete answer"},
		&cli.BoolFlag{Name: "usage", Usage: "report the token usage on stderr at the end", DisableDefaultText: true},
	}
}

func TimeoutFlag(usage string) cli.Flag {
	return &cli.DurationFlag{Name: "timeout", Usage: usage, DefaultText: "none"}
}

// SendFlags returns the flags of send, also used by chat without a command.
func SendFlags() []cli.Flag {
	return append(slices.Concat(conversationFlags(), parameterFlags(), OutputFlags()),
		detachFlag(),
		TimeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringSliceFlag{Name: "fallback", Usage: "the `MODEL` that answers if the first one does not (may be repeated)"},
		&cli.StringFlag{Name: "schema", Usage: "answer with JSON that matches `SCHEMA`: a file, @NAME of the config directory's schemas, - for stdin, JSON Schema, or 'name str, age int'"},
		&cli.StringFlag{Name: "idempotency-key", Usage: "repeating the command with the same `KEY`, conversation and prompt returns the same answer, not a second one"},
	)
}

// RootFlags returns the flags that only chat without a command has.
func RootFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "plain-ui", Usage: "use plain lines instead of the screen, for screen readers and dumb terminals (also ACCESSIBLE=1)", DisableDefaultText: true},
		&cli.StringFlag{Name: "resume", Aliases: []string{"r"}, Usage: "open the conversation `[ID]`; without an id, choose from a list"},
	}
}

func JSONFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print " + what + " as JSON", DisableDefaultText: true}
}

// IntInRange returns the value of an int flag, which must be from low to high.
func IntInRange(c *cli.Context, flag string, low, high int) (int, error) {
	n := c.Int(flag)
	if n < low || n > high {
		return 0, chat.Errorf(chat.CodeInvalid, "--%s must be from %d to %d, not %d", flag, low, high, n)
	}
	return n, nil
}

// CompleteName is the hidden command that the completion scripts call with the words
// of a line. The last word is the one to complete.
const CompleteName = "__complete"

// SettingAndValue is the ArgsUsage of config set, whose value may be a negative
// number.
const SettingAndValue = "SETTING VALUE"

// NoArguments is the ArgsUsage of commands without arguments.
const NoArguments = " "
