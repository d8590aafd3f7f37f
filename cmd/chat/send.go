package main

import (
	"cmp"
	"context"
	"math"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/cli/answer"
	"chat/internal/cli/arguments"
	"chat/internal/cli/ids"
	"chat/internal/cli/output"
	"chat/internal/cli/prompt"
	"chat/internal/cli/settings"
	"chat/internal/term/sanitize"
)

func (p *program) sendCommand() *cli.Command {
	return &cli.Command{
		Name: "send", Usage: "send one message; the answer goes to stdout", ArgsUsage: "[PROMPT…|-]",
		Description: sendDescription, Flags: arguments.SendFlags(), Action: p.send,
	}
}

// send sends a message and shows the answer.
func (p *program) send(c *cli.Context) error {
	o, err := p.sendOptions(c)
	if err != nil {
		return err
	}
	show, err := p.watcher.NewPresenter(formatOf(c))
	if err != nil {
		return err
	}
	if o.Reference != "" {
		if err := ids.CheckConversations(p.emptyCheck(c), o.Reference); err != nil {
			return err
		}
	}
	format, err := p.reader.Format(c)
	if err != nil {
		return err
	}
	message, err := p.reader.Read(c)
	if err != nil {
		return err
	}
	o.Parts, o.Attachments = message.Parts, message.Attachments
	if format != nil {
		if o.Parameters == nil {
			o.Parameters = &chat.Parameters{}
		}
		o.Parameters.Format = format
	}
	for _, name := range message.Damaged() {
		p.Infof("%s is damaged or incomplete: the model may reject it", sanitize.Line(name))
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		acc, err := o.Submit(ctx, cl)
		if err != nil {
			return err
		}
		return p.followAccepted(ctx, c, cl, acc, o.Parameters, show)
	})
}

// answerOptions reads the flags of all commands that ask for an answer.
func (p *program) answerOptions(c *cli.Context) (o answer.Submission, err error) {
	o.Key, o.Model, o.DeadlineSeconds = c.String("idempotency-key"), c.String("model"), deadlineOf(c)
	if o.Priority, err = chat.ParsePriority(c.String("priority")); err != nil {
		return o, err
	}
	if o.Parameters, err = arguments.Parameters(c); err != nil {
		return o, err
	}
	if o.Defaults, err = settings.ReadFailover(p.Lookup); err != nil {
		return o, err
	}
	if o.Fallback = c.StringSlice("fallback"); len(o.Fallback) > 0 {
		if what := settings.FallbackProblem(o.Fallback); what != "" {
			return o, chat.Errorf(chat.CodeInvalid, "--fallback: %s", what)
		}
	}
	return o, p.checkDetach(c)
}

func (p *program) sendOptions(c *cli.Context) (answer.Submission, error) {
	o, err := p.answerOptions(c)
	if err != nil {
		return o, err
	}
	o.Reference, o.SystemPrompt = c.String("conversation"), c.String("system")
	if c.Bool("continue") {
		if o.Reference != "" {
			return o, chat.Errorf(chat.CodeInvalid, "-c and -C exclude each other")
		}
		o.Reference = ids.Last
	}
	if err := p.applyRole(c, &o); err != nil {
		return o, err
	}
	if err := prompt.CheckUTF8("the system prompt", o.SystemPrompt); err != nil {
		return o, err
	}
	if o.SystemPrompt != "" && o.Reference != "" {
		return o, chat.Errorf(chat.CodeInvalid, "a conversation keeps the system prompt it was started with: leave out -s, or start a new conversation")
	}
	return o, nil
}

// checkDetach returns an error if --detach is given and no daemon would make the answer.
func (p *program) checkDetach(c *cli.Context) error {
	if c.Bool("detach") && (c.Bool("no-daemon") || output.Truthy(p.Env("CHAT_NO_DAEMON"))) {
		return chat.Errorf(chat.CodeInvalid, "--detach needs a daemon: without one, the answer ends with this process")
	}
	return nil
}

// deadlineOf returns the time of --timeout in seconds if the server has to enforce it,
// because this process exits before the answer ends; otherwise 0.
func deadlineOf(c *cli.Context) int {
	if !c.Bool("detach") {
		return 0
	}
	return int(math.Ceil(c.Duration("timeout").Seconds()))
}

// applyRole applies the role of --role where no flag overrides it.
func (p *program) applyRole(c *cli.Context, o *answer.Submission) error {
	name := c.String("role")
	switch {
	case name == "":
		return nil
	case o.Reference != "" || c.IsSet("resume"):
		return chat.Errorf(chat.CodeInvalid, "a conversation keeps the system prompt it was started with: leave out --role, or start a new conversation")
	case c.IsSet("system"):
		return chat.Errorf(chat.CodeInvalid, "--role and -s exclude each other: both set the system prompt")
	}
	r, err := settings.FindRole(p.Lookup, name)
	if err != nil {
		return err
	}
	o.SystemPrompt, o.Model = r.System, cmp.Or(o.Model, r.Model)
	o.Parameters = chat.ParameterSources{Request: o.Parameters, Role: r.Parameters}.Resolve()
	if len(o.Fallback) == 0 {
		o.Fallback = r.Fallback
	}
	if !c.IsSet("priority") {
		o.Priority = cmp.Or(r.Priority, o.Priority)
	}
	return nil
}
