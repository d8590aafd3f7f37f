package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon/client"
	"chat/internal/term/attach"
	"chat/internal/term/sanitize"
)

func (p *program) sendCommand() *cli.Command {
	return &cli.Command{
		Name: "send", Usage: "send one message; the answer goes to stdout", ArgsUsage: "[PROMPT…|-]",
		Description: sendDescription, Flags: sendFlags(), Action: p.send,
	}
}

// send is one turn.
func (p *program) send(c *cli.Context) error {
	o, err := p.sendOptions(c)
	if err != nil {
		return err
	}
	show, err := p.presenter(c)
	if err != nil {
		return err
	}
	if o.conversation != "" {
		if err := p.knownConversations(c, o.conversation); err != nil {
			return err
		}
	}
	if o.Content, err = p.prompt(c); err != nil {
		return err
	}
	for _, name := range attach.Damaged(o.Content) {
		p.infof("%s is damaged or incomplete: a model will hardly take it", sanitize.Line(name))
	}
	return p.withClient(c, func(ctx context.Context, cl *client.Client) error {
		acc, err := o.submit(ctx, cl)
		if err != nil {
			return err
		}
		p.debugf("task %s in conversation %s", acc.TaskID, acc.ConversationID)
		if c.Bool("detach") {
			return p.detached(c, acc)
		}
		a := &answer{task: acc.TaskID, conversation: acc.ConversationID, message: acc.MessageID}
		return p.watchOwn(ctx, cl, a, show, c.Duration("timeout"))
	})
}

// detached prints the id of a task that goes on without us.
func (p *program) detached(c *cli.Context, acc chat.Accepted) error {
	if c.Bool("json") || c.Bool("jsonl") {
		return writeJSON(p.out, result{
			V: 1, Task: acc.TaskID, Conversation: acc.ConversationID, Status: acc.Status, Message: &messageSummary{ID: acc.MessageID},
			TaskID: acc.TaskID, ConvID: acc.ConversationID, State: chat.TaskQueued,
		})
	}
	_, err := fmt.Fprintln(p.out, acc.TaskID)
	return err
}

// submission is a message on its way: where it goes and how.
type submission struct {
	chat.Submission
	conversation string // a reference; "" makes a new conversation
	system       string
	key          string
}

func (p *program) sendOptions(c *cli.Context) (submission, error) {
	o := submission{conversation: c.String("conversation"), system: c.String("system"), key: c.String("idempotency-key")}
	o.Model = c.String("model")
	var err error
	if o.Priority, err = chat.ParsePriority(c.String("priority")); err != nil {
		return o, err
	}
	if c.Bool("continue") {
		if o.conversation != "" {
			return o, chat.Errorf(chat.CodeInvalid, "-c and -C exclude each other")
		}
		o.conversation = last
	}
	if err := p.takeRole(c, &o); err != nil {
		return o, err
	}
	if err := checkUTF8("the system prompt", o.system); err != nil {
		return o, err
	}
	timeout := c.Duration("timeout")
	switch {
	case o.system != "" && o.conversation != "":
		return o, chat.Errorf(chat.CodeInvalid, "a conversation keeps the system prompt it was begun with: leave out -s, or begin a new one")
	case c.Bool("detach") && (c.Bool("no-daemon") || truthy(p.env("CHAT_NO_DAEMON"))):
		return o, chat.Errorf(chat.CodeInvalid, "--detach needs a daemon: without one the answer ends with this process")
	case c.Bool("detach") && timeout > 0:
		// Nobody will be here to stop it, so the server does.
		o.DeadlineSeconds = int(math.Ceil(timeout.Seconds()))
	}
	return o, nil
}

// submit sends the message, into a new conversation if none is named.
func (s submission) submit(ctx context.Context, cl *client.Client) (chat.Accepted, error) {
	if s.conversation != "" {
		conv, err := findConversation(ctx, cl, s.conversation)
		if err != nil {
			return chat.Accepted{}, err
		}
		s.ConversationID = conv.ID
	} else {
		s.Title, s.System = titleOf(s.Content), s.system
	}
	acc, err := cl.Submit(ctx, s.Submission, s.key)
	if chat.IsCode(err, chat.CodeKeyReuse) && s.conversation == "" {
		err = chat.Errorf(chat.CodeKeyReuse, "the key %q was used before, in another conversation or for another message: with -C that conversation, the same message gets the same answer", s.key)
	}
	return acc, err
}

// The limits of stopping an answer.
const (
	cancelTimeout = 5 * time.Second  // for the server to take the cancel
	endTimeout    = 10 * time.Second // for the answer's last chunk after that
)

// errNoEnd says that a stopped answer did not end in time.
var errNoEnd = errors.New("the server has not ended the answer yet")

// stopper stops a task of ours, once.
type stopper struct {
	once   sync.Once
	wait   sync.WaitGroup
	reason int // the exit code that it leads to; valid once wait is done
}

func (s *stopper) stop(ctx context.Context, cl *client.Client, task string, reason int, leave context.CancelCauseFunc) {
	s.once.Do(func() {
		s.reason = reason
		s.wait.Go(func() {
			cctx, cancel := context.WithTimeout(ctx, cancelTimeout)
			defer cancel()
			if _, err := cl.Cancel(cctx, task); err != nil {
				leave(fmt.Errorf("cannot stop the answer: %w", err))
				return
			}
			t := time.NewTimer(endTimeout)
			defer t.Stop()
			select {
			case <-t.C:
				leave(errNoEnd)
			case <-ctx.Done():
			}
		})
	})
}

// watchOwn follows a task that we started and may therefore stop: at Ctrl+C and
// when timeout passes. Every other way of leaving lets it go on.
func (p *program) watchOwn(parent context.Context, cl *client.Client, a *answer, show presenter, timeout time.Duration) error {
	ctx, leave := context.WithCancelCause(parent)
	s := &stopper{}
	p.signals.onInterrupt(func() {
		p.infof("stopping the answer; Ctrl+C again leaves at once")
		s.stop(ctx, cl, a.task, exitInterrupt, leave)
	})
	if timeout > 0 {
		t := time.AfterFunc(timeout, func() { s.stop(ctx, cl, a.task, exitTimeout, leave) })
		defer t.Stop()
	}
	s.wait.Go(func() { p.tellRetries(ctx, cl, a) })
	err := follow(ctx, cl, a, chat.Start(), show)
	p.signals.onInterrupt(nil)
	leave(nil)
	s.once.Do(func() {}) // the timer may be about to fire
	s.wait.Wait()
	return p.exitSummary(parent, cl, err, a, s.reason)
}
