package main

import (
	"context"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/connect"
)

// choiceOf reads the flags that name the server.
func choiceOf(c *cli.Context) connect.Choice {
	return connect.Choice{Host: c.String("host"), NoDaemon: c.Bool("no-daemon")}
}

// withClient calls use with a client of the server that the flags name.
func (p *program) withClient(c *cli.Context, use func(ctx context.Context, cl *client.Client) error) error {
	return p.server.WithClient(c.Context, choiceOf(c), use)
}

// storeIsEmpty reports whether there is certainly no task and no conversation.
func (p *program) storeIsEmpty(c *cli.Context) bool { return p.server.NothingStored(c.String("host")) }

// emptyCheck returns storeIsEmpty as a function, for the checks of references.
func (p *program) emptyCheck(c *cli.Context) func() bool {
	return func() bool { return p.storeIsEmpty(c) }
}

// formatOf reads the flags that say how an answer is written.
func formatOf(c *cli.Context) answer.Format {
	return answer.Format{
		JSON: c.Bool("json"), JSONLines: c.Bool("jsonl"), Raw: c.Bool("raw"), NoStream: c.Bool("no-stream"), Usage: c.Bool("usage"), Detach: c.Bool("detach"),
		Reasoning: c.String("reasoning"), Extract: c.String("extract"), Output: c.String("output"),
	}
}

// followAccepted shows the answer of a task that this command started, or prints the task's id
// with --detach.
func (p *program) followAccepted(ctx context.Context, c *cli.Context, cl *client.Client, acc chat.Accepted, params *chat.Parameters, show answer.Presenter) error {
	p.Debugf("task %s in conversation %s", acc.TaskID, acc.ConversationID)
	if c.Bool("detach") {
		return p.watcher.PrintDetached(formatOf(c), acc)
	}
	a := answer.New(acc.TaskID, acc.ConversationID, acc.MessageID).Structured(params)
	return p.watcher.FollowOwn(ctx, cl, a, show, c.Duration("timeout"))
}
