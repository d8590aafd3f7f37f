package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
)

func (p *program) psCommand() *cli.Command {
	return &cli.Command{
		Name: "ps", Usage: "list the answers that are being made", ArgsUsage: noArguments,
		Description: `Examples:
  chat ps                 what is queued or running
  chat ps --all           what has ended too
  chat stop $(chat ps -q) stop everything

In --json, task_id is id and status is state, as in the output of chat send --json;
answered_by is the model that answered, or will answer, where model names none.`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "also those that have ended", DisableDefaultText: true},
			limitFlag(),
			jsonFlag("the tasks"),
		},
		Action: p.ps,
	}
}

func (p *program) ps(c *cli.Context) error {
	limit, err := numberIn(c, "limit", 1, maxListed)
	if err != nil {
		return err
	}
	q := chat.TaskQuery{Limit: min(limit+1, maxListed)} // one more tells whether there are more
	if !c.Bool("all") {
		q.States = []chat.TaskState{client.StateActive}
	}
	if p.nothingYet(c) {
		return p.printTasks(c, nil)
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		tasks, err := cl.Tasks(ctx, q)
		if err != nil {
			return err
		}
		more := len(tasks) > limit
		err = p.printTasks(c, withModels(ctx, cl, tasks[:min(limit, len(tasks))]))
		if more {
			p.infof("the newest %d: -n, up to %d, for more", limit, maxListed)
		}
		return err
	})
}

func (p *program) printTasks(c *cli.Context, tasks []listedTask) error {
	switch {
	case c.Bool("json"):
		if tasks == nil {
			tasks = []listedTask{}
		}
		return writeJSON(p.out, tasks)
	case p.quiet:
		for _, t := range tasks {
			if _, err := fmt.Fprintln(p.out, t.ID); err != nil {
				return err
			}
		}
		return nil
	case len(tasks) == 0:
		p.infof("nothing is running (`chat ps --all` lists what has ended)")
		return nil
	}
	columns := []column{
		{head: "TASK"},
		{head: "STATE"},
		{head: "TRY", drop: 2},
		{head: "PRIORITY", drop: 1},
		{head: "AGE", drop: 5},
		{head: "MODEL", least: 6, drop: 4},
		{head: "CONVERSATION", drop: 3},
		{head: "WHY", least: 16, drop: 6}, // it was not the first try, or what ended it
	}
	whys := false
	var rows [][]string
	for _, t := range tasks {
		state := string(t.State)
		if t.CancelRequested && !t.State.Terminal() {
			state = "stopping"
		}
		why := ""
		switch {
		case t.Error != nil:
			why = t.Error.Message
		case t.State == chat.TaskDone:
			why = chat.EndingOf(t.FinishReason).Why(t.FinishReason)
		}
		whys = whys || why != ""
		rows = append(rows, []string{short(t.ID), state, fmt.Sprint(t.Attempt), string(t.Priority), age(t.CreatedAt), t.AnsweredBy, short(t.ConversationID), why})
	}
	if !whys {
		columns = columns[:len(columns)-1]
		for i := range rows {
			rows[i] = rows[i][:len(columns)]
		}
	}
	return table(p.out, columns, rows)
}

func (p *program) stopCommand() *cli.Command {
	return &cli.Command{
		Name: "stop", Usage: "stop answers; what there is of them is kept", ArgsUsage: "TASK…|last",
		Description: `A task that has ended already is no error. A conversation stands for its newest task.`,
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all that are queued or running", DisableDefaultText: true}},
		Action:      p.stop,
	}
}

func (p *program) stop(c *cli.Context) error {
	if c.Bool("all") == c.Args().Present() {
		return chat.Errorf(chat.CodeInvalid, "stop takes tasks, or --all (`chat ps` lists them)")
	}
	if err := p.knownRefs(c); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		tasks, err := p.chosen(ctx, c, cl)
		for _, t := range tasks {
			if t.State.Terminal() {
				p.infof("%s had ended already (%s)", short(t.ID), t.State)
				continue
			}
			done, cerr := cl.Cancel(ctx, t.ID)
			switch {
			case cerr != nil:
				err = errors.Join(err, cerr)
			case done.Won:
				p.infof("stopped %s", short(t.ID))
			default:
				p.infof("%s had ended already (%s)", short(t.ID), done.State)
			}
		}
		return err
	})
}

// knownRefs refuses references to tasks or conversations that cannot mean anything
// before a daemon is started.
func (p *program) knownRefs(c *cli.Context) error {
	for _, ref := range c.Args().Slice() {
		switch {
		case ref == last && p.nothingYet(c):
			return noTaskYet()
		case !looksLikeID(ref) || p.nothingYet(c):
			return noSuchTaskOrConversation(ref)
		}
	}
	return nil
}

// knownConversations is knownRefs for conversations alone.
func (p *program) knownConversations(c *cli.Context, refs ...string) error {
	for _, ref := range refs {
		switch {
		case ref == last && p.nothingYet(c):
			return noConversationYet()
		case !looksLikeID(ref) || p.nothingYet(c):
			return noSuch("conversation", ref)
		}
	}
	return nil
}

// chosen are the tasks that the arguments mean, or all that are active if there
// are none. Those that were found come with the error about those that were not.
func (p *program) chosen(ctx context.Context, c *cli.Context, cl *client.Client) ([]chat.Task, error) {
	if !c.Args().Present() {
		return cl.Tasks(ctx, chat.TaskQuery{States: []chat.TaskState{client.StateActive}, Limit: maxListed})
	}
	var tasks []chat.Task
	var errs error
	for _, ref := range c.Args().Slice() {
		t, err := findTaskOf(ctx, cl, ref)
		if err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		tasks = append(tasks, t)
	}
	return tasks, errs
}

func (p *program) waitCommand() *cli.Command {
	return &cli.Command{
		Name: "wait", Usage: "wait until answers have ended; exit with their code", ArgsUsage: "[TASK…|last]",
		Description: `Without a task: wait for all that are queued or running. It only watches: Ctrl+C and
--timeout leave the answers alone.

Example:
  id=$(chat send -d "Summarise the news") && chat wait $id && chat attach $id`,
		Flags:  []cli.Flag{timeoutFlag("leave after `DURATION` with exit code 124"), jsonFlag("the tasks, as they ended,")},
		Action: p.wait,
	}
}

func (p *program) wait(c *cli.Context) error {
	if err := p.knownRefs(c); err != nil {
		return err
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		ctx, cancel := withTimeout(ctx, c.Duration("timeout"))
		defer cancel()
		tasks, err := p.chosen(ctx, c, cl)
		if err != nil {
			return err
		}
		code := exitOK
		for i, t := range tasks {
			a := &answer{task: t.ID, conversation: t.ConversationID}
			if err := follow(ctx, cl, a, chat.Start(), unseen{}); err != nil {
				return err
			}
			if a.code() != exitOK {
				p.infof("task %s", short(t.ID))
				p.explainEnd(a)
			}
			if code == exitOK {
				code = a.code()
			}
			if tasks[i], err = cl.Task(ctx, t.ID); err != nil {
				return err
			}
		}
		if c.Bool("json") {
			if err := writeJSON(p.out, withModels(ctx, cl, tasks)); err != nil {
				return err
			}
		}
		return exitWith(code)
	})
}

// unseen shows nothing.
type unseen struct{}

func (unseen) chunk(*answer, chat.Chunk) error    { return nil }
func (unseen) link(*answer, chat.ConnState) error { return nil }
func (unseen) end(*answer) error                  { return nil }
