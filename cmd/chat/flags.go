package main

import "github.com/urfave/cli/v2"

// commonFlags go with every command.
func commonFlags() []cli.Flag { return append(serverFlags(false), noticeFlags()...) }

// serverFlags say which server is meant. Commands that need none have them
// hidden, to refuse them in words.
func serverFlags(hidden bool) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "host", Hidden: hidden, Usage: "use the daemon at `URL`: unix:///path or http://host:port (also $CHAT_HOST; the token for http is $CHAT_TOKEN)"},
		&cli.BoolFlag{Name: "no-daemon", Hidden: hidden, Usage: "run the server in this process: closing the terminal ends the answer (also $CHAT_NO_DAEMON)", DisableDefaultText: true},
	}
}

// noticeFlags say what is written besides the result, and how.
func noticeFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "no notices on stderr", DisableDefaultText: true},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "more notices on stderr: ids, positions, connections", DisableDefaultText: true},
		&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN`: auto, always or never; auto obeys NO_COLOR, CLICOLOR_FORCE and TERM"},
	}
}

// maxListed is the server's limit on a list.
const maxListed = 200

func limitFlag() cli.Flag {
	return &cli.IntFlag{Name: "limit", Aliases: []string{"n"}, Value: 50, Usage: "at most `N`, from 1 to 200"}
}

// conversationFlags choose the conversation and how it is answered.
func conversationFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "conversation", Aliases: []string{"C"}, Usage: "continue the conversation `ID` (its beginning or end is enough)"},
		&cli.BoolFlag{Name: "continue", Aliases: []string{"c"}, Usage: "continue the newest conversation", DisableDefaultText: true},
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask (`chat models` lists them)"},
		&cli.StringFlag{Name: "role", Usage: "begin with the role `NAME`: its system prompt and model (`chat roles` lists them)"},
		&cli.StringFlag{Name: "system", Aliases: []string{"s"}, Usage: "system prompt `TEXT` of a new conversation"},
		&cli.StringSliceFlag{Name: "file", Aliases: []string{"f"}, Usage: "attach the text or image `PATH`, - for stdin (may be repeated)"},
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"},
		&cli.BoolFlag{Name: "no-stdin", Usage: "do not look at stdin", DisableDefaultText: true},
	}
}

// outputFlags say what of an answer goes to stdout, and how.
func outputFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "json", Usage: "one JSON object when the answer is complete", DisableDefaultText: true},
		&cli.BoolFlag{Name: "jsonl", Usage: "events as JSON lines, as they come", DisableDefaultText: true},
		&cli.BoolFlag{Name: "raw", Usage: "on a terminal: the text as the model wrote it, without layout", DisableDefaultText: true},
		&cli.StringFlag{Name: "extract", Aliases: []string{"x"}, Usage: "only a code block of the answer: `[first|last|N]`; without one of these, the first"},
		&cli.BoolFlag{Name: "no-stream", Usage: "write the answer when it is complete, not as it comes", DisableDefaultText: true},
		&cli.StringFlag{Name: "reasoning", Value: "hide", Usage: "`MODE`: hide, show or only; show writes the reasoning to stderr, only writes it instead of the answer"},
		&cli.StringFlag{Name: "output", Aliases: []string{"O"}, Usage: "write to `FILE` instead of stdout, once the answer is complete; a file that is there is replaced in one step, and by a complete answer only"},
		&cli.BoolFlag{Name: "usage", Usage: "tell the tokens on stderr at the end", DisableDefaultText: true},
	}
}

func timeoutFlag(usage string) cli.Flag {
	return &cli.DurationFlag{Name: "timeout", Usage: usage, DefaultText: "none"}
}

// sendFlags are those of send, and of chat alone.
func sendFlags() []cli.Flag {
	flags := append(conversationFlags(), outputFlags()...)
	return append(flags,
		&cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the task's id and leave; the answer is made without us", DisableDefaultText: true},
		timeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringFlag{Name: "idempotency-key", Usage: "sending again with the same `KEY`, conversation and prompt gives the same answer, not a second one"},
	)
}

// rootFlags are those that only chat alone has.
func rootFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "plain-ui", Usage: "talk in lines instead of a screen, for screen readers and dumb terminals; so does ACCESSIBLE=1", DisableDefaultText: true},
		&cli.StringFlag{Name: "resume", Aliases: []string{"r"}, Usage: "open the conversation `[ID]`; without one, choose"},
	}
}

func jsonFlag(what string) cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: what + " as JSON", DisableDefaultText: true}
}
