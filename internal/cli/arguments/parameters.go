package arguments

import (
	"strings"

	"github.com/urfave/cli/v2"

	"chat"
)

// parameterFlags returns the flags for the parameters of an answer.
func parameterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "temperature", Usage: "`NUMBER` from 0 to 2: how much chance decides"},
		&cli.StringFlag{Name: "top-p", Usage: "`NUMBER` from 0 to 1: choose from the most likely tokens that together have this probability"},
		&cli.StringFlag{Name: "max-tokens", Usage: "end the answer after `N` tokens, including its reasoning"},
		&cli.StringFlag{Name: "effort", Usage: "how much to reason: `LEVEL` is " + strings.Join(chat.Efforts(), ", ")},
		&cli.StringSliceFlag{Name: "stop", Usage: "end the answer before this `TEXT` (may be repeated)"},
		&cli.StringFlag{Name: "seed", Usage: "the same whole `NUMBER` makes the same answer more likely"},
	}
}

// AnswerFlags returns the flags of commands that make another answer in a conversation.
func AnswerFlags() []cli.Flag {
	flags := append(OutputFlags(),
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` to ask this time"},
		&cli.StringFlag{Name: "priority", Usage: "`LEVEL`: urgent, normal or background"})
	flags = append(flags, parameterFlags()...)
	return append(flags,
		detachFlag(),
		TimeoutFlag("stop the answer after `DURATION` (90s, 5m) and exit with 124"),
		&cli.StringFlag{Name: "idempotency-key", Usage: "repeating the command with the same `KEY` returns the same answer, not another one"},
	)
}

// SummaryFlags returns the flags of commands that make a summary.
func SummaryFlags() []cli.Flag {
	return append(OutputFlags(),
		&cli.StringFlag{Name: "model", Aliases: []string{"m"}, Usage: "the `MODEL` that writes the summary"},
		detachFlag(),
		TimeoutFlag("stop the summary after `DURATION` (90s, 5m) and exit with 124"),
	)
}

func detachFlag() cli.Flag {
	return &cli.BoolFlag{Name: "detach", Aliases: []string{"d"}, Usage: "print the task's id and exit; the answer continues in the background", DisableDefaultText: true}
}

// Parameters returns the parameters of the flags, nil if there are none.
func Parameters(c *cli.Context) (*chat.Parameters, error) {
	var p *chat.Parameters
	for _, name := range chat.ParameterNames() {
		flag := strings.ReplaceAll(name, "_", "-")
		if !c.IsSet(flag) {
			continue
		}
		if p == nil {
			p = &chat.Parameters{}
		}
		var problem string
		if flag == "stop" {
			problem = p.SetStop(c.StringSlice(flag))
		} else {
			problem = p.Set(name, c.String(flag))
		}
		if problem != "" {
			return nil, chat.Errorf(chat.CodeInvalid, "--%s %s", flag, problem)
		}
	}
	return p, nil
}
