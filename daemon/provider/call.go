package provider

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sashabaranov/go-openai"

	"chat"
)

// call is one answer being made.
type call struct {
	to     *endpoint
	limits Limits
	draft  *draft
	known  *learned
	begun  bool // something was emitted
	emit   func(Event) error
	pause  func() time.Duration
}

// stream makes the call and emits its events. It returns nil once a Finish was
// emitted.
func (c *call) stream(ctx context.Context) error {
	if c.limits.Total > 0 {
		over := chat.Errorf(chat.CodeDeadline, "the answer of %s took longer than %s (the total limit): ask for less, or raise the limit", c.to.host, c.limits.Total)
		limited, cancel := context.WithTimeoutCause(ctx, c.limits.Total, over)
		defer cancel()
		ctx = limited
	}
	for {
		err := c.once(ctx)
		if err == nil || c.begun || ctx.Err() != nil {
			return err
		}
		refused := refusalIn(err)
		if !c.draft.adapt(refused) {
			return c.draft.explained(err, refused)
		}
	}
}

// deliver emits an event. The first one says that the provider accepted the request.
func (c *call) deliver(e Event) error {
	if !c.begun {
		c.begun = true
		c.known.accept(c.draft)
		for _, notice := range c.draft.notices() {
			if err := c.emit(Event{Notice: notice}); err != nil {
				return err
			}
		}
	}
	return c.emit(e)
}

// once makes one request.
func (c *call) once(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	x := &exchange{
		to: c.to, limits: c.limits, model: c.draft.id, whole: c.draft.form.whole, pause: c.pause,
		watch: watch{cancel: cancel}, phases: c.to.phases(c.limits),
	}
	defer x.watch.disarm()
	if err := c.open(ctx, x); err != nil {
		return c.why(parent, x, err)
	}
	defer func() { _ = x.body.Close() }() // the answer is in; nothing follows from a failing close
	return c.read(parent, x)
}

// open sends the request; the answer is x's body then. go-openai's stream is let go
// of: it holds a buffer of its own for as long as an answer takes.
func (c *call) open(ctx context.Context, x *exchange) error {
	req, err := c.draft.request()
	if err != nil {
		return err
	}
	cfg := openai.DefaultConfig(c.to.key)
	cfg.BaseURL, cfg.HTTPClient = c.to.base, x
	client := openai.NewClientWithConfig(cfg)
	defer x.watch.disarm()
	if x.whole {
		x.watch.arm(c.limits.whole(), x.phases.whole)
		_, err = client.CreateChatCompletion(ctx, *req)
		if x.body != nil {
			return nil // x gave go-openai nothing to read
		}
		return err
	}
	x.watch.arm(c.limits.Headers, x.phases.headers)
	_, err = client.CreateChatCompletionStream(ctx, *req)
	return err
}

// read takes the answer in. It is what an answer spends its time in, so neither it
// nor those who call it have large frames: a stack of 8 KiB is enough then.
func (c *call) read(parent context.Context, x *exchange) error {
	a := &answer{limit: c.limits.MaxAnswer, model: x.model, emit: func(e Event) error {
		x.watch.disarm() // our reader's time is not the provider's
		return c.deliver(e)
	}}
	if x.whole {
		x.watch.arm(c.limits.whole(), x.phases.whole)
	} else {
		x.watch.arm(c.limits.FirstToken, x.phases.firstToken)
	}
	for {
		err := c.next(x, a)
		switch {
		case err == nil:
		case parent.Err() != nil:
			return context.Cause(parent)
		case err == io.EOF, a.reason != "" && isRead(err): //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
			return a.end(c.to)
		default:
			return c.why(parent, x, err)
		}
	}
}

// next takes one event of the stream into the answer. io.EOF is [DONE]. The events
// are read past go-openai, whose reader runs three regular expressions over each.
func (c *call) next(x *exchange, a *answer) error {
	raw, err := x.body.next()
	if err == io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
		return err
	}
	if err != nil {
		return readError{err}
	}
	f := &a.frame
	if err := f.decode(raw); err != nil {
		return c.to.protocolError("sent an event that is not a chat completion chunk", err)
	}
	if e := f.failure(); e != nil {
		return c.to.streamError(e, x.model)
	}
	ended := a.reason != ""
	grew, err := a.add(f)
	if err != nil {
		return err
	}
	switch {
	case a.reason != "":
		if grew || !ended {
			x.watch.arm(min(trailingLimit, orTrailing(c.limits.Idle)), x.phases.trailing)
		}
	case grew:
		x.watch.arm(c.limits.Idle, x.phases.idle)
	}
	if grew {
		x.quiet = 0
	}
	return nil
}

// orTrailing is d, or trailingLimit where d is no limit.
func orTrailing(d time.Duration) time.Duration {
	if d <= 0 {
		return trailingLimit
	}
	return d
}

// readError is a failure to read the stream, as opposed to what stood in it.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

func isRead(err error) bool {
	_, ok := errors.AsType[readError](err)
	return ok
}

// why is the reason of err: the end of the caller's context, or what the
// exchange made of it.
func (c *call) why(parent context.Context, x *exchange, err error) error {
	if errors.Is(err, errStopped) {
		return errStopped
	}
	if parent.Err() != nil {
		return context.Cause(parent)
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	if errors.Is(err, openai.ErrChatCompletionInvalidModel) {
		return c.to.noSuchModel(x.model, "", err)
	}
	return c.to.connectError(err)
}
