package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/exit"
	"chat/internal/cli/ids"
	"chat/internal/cli/listing"
	"chat/internal/cli/output"
)

func (p *program) psCommand() *cli.Command {
	return &cli.Command{
		Name: "ps", Usage: "list queued and running answers", ArgsUsage: arguments.NoArguments,
		Description: `Examples:
  chat ps                  list queued and running tasks
  chat ps --all            list ended tasks, too
  chat stop $(chat ps -q)  stop everything

In --json, task_id repeats id and status repeats state, as in the output of chat send --json.
answered_by is the model that answered or will answer, even if model is empty.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "include ended tasks", DisableDefaultText: true},
			arguments.LimitFlag(),
			arguments.JSONFlag("the tasks"),
		},
		Action: p.ps,
	}
}

func (p *program) ps(c *cli.Context) error {
	limit, err := arguments.IntInRange(c, "limit", 1, ids.MaxListed)
	if err != nil {
		return err
	}
	q := chat.TaskQuery{Limit: min(limit+1, ids.MaxListed)} // one more, to detect whether there are more
	if !c.Bool("all") {
		q.States = []chat.TaskState{client.StateActive}
	}
	if p.storeIsEmpty(c) {
		return listing.PrintTasks(p.Console, nil, c.Bool("json"))
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		tasks, err := cl.Tasks(ctx, q)
		if err != nil {
			return err
		}
		more := len(tasks) > limit
		err = listing.PrintTasks(p.Console, listing.WithModels(ctx, cl, tasks[:min(limit, len(tasks))]), c.Bool("json"))
		if more {
			p.Infof("only the newest %d are listed: use -n (up to %d) for more", limit, ids.MaxListed)
		}
		return err
	})
}

func (p *program) stopCommand() *cli.Command {
	return &cli.Command{
		Name: "stop", Usage: "stop answers; their partial text is kept", ArgsUsage: "TASK|CONVERSATION…|last",
		Description: `It is not an error if a task has already ended. A conversation means its newest task.`,
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "stop all queued and running answers", DisableDefaultText: true}},
		Action:      p.stop,
	}
}

func (p *program) stop(c *cli.Context) error {
	if c.Bool("all") == c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "stop takes tasks, or --all (`chat ps` lists them)")
	}
	if err := ids.CheckRefs(p.emptyCheck(c), c.Args().Slice()...); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		tasks, err := ids.FindTasks(ctx, cl, c.Args().Slice())
		for _, t := range tasks {
			if t.State.Terminal() {
				p.Infof("%s had already ended (%s)", ids.Short(t.ID), t.State)
				continue
			}
			done, cerr := cl.Cancel(ctx, t.ID)
			switch {
			case cerr != nil:
				err = errors.Join(err, cerr)
			case done.Won:
				p.Infof("stopped %s", ids.Short(t.ID))
			default:
				p.Infof("%s had already ended (%s)", ids.Short(t.ID), done.State)
			}
		}
		return err
	})
}

func (p *program) waitCommand() *cli.Command {
	return &cli.Command{
		Name: "wait", Usage: "wait until answers have ended; exit with their exit code", ArgsUsage: "[TASK|CONVERSATION…|last]",
		Description: `Without a task, waits for all queued and running answers. Ctrl+C and --timeout end only the
wait; the answers continue.

Example:
  id=$(chat send -d "Summarise the news") && chat wait $id && chat attach $id`,
		Flags:  []cli.Flag{arguments.TimeoutFlag("exit after `DURATION` with exit code 124"), arguments.JSONFlag("the ended tasks")},
		Action: p.wait,
	}
}

func (p *program) wait(c *cli.Context) error {
	if err := ids.CheckRefs(p.emptyCheck(c), c.Args().Slice()...); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		ctx, cancel := answer.WithTimeout(ctx, c.Duration("timeout"))
		defer cancel()
		tasks, err := ids.FindTasks(ctx, cl, c.Args().Slice())
		if err != nil {
			return err
		}
		code := exit.OK
		for i, t := range tasks {
			a := answer.New(t.ID, t.ConversationID, t.MessageID)
			if err := answer.Wait(ctx, cl, a); err != nil {
				return err
			}
			if a.ExitCode() != exit.OK {
				p.Infof("task %s", ids.Short(t.ID))
				p.watcher.ExplainEnd(a)
			}
			if code == exit.OK {
				code = a.ExitCode()
			}
			if tasks[i], err = cl.Task(ctx, t.ID); err != nil {
				return err
			}
		}
		if c.Bool("json") {
			if err := output.WriteJSON(p.Out, listing.WithModels(ctx, cl, tasks)); err != nil {
				return err
			}
		}
		return exit.With(code)
	})
}
