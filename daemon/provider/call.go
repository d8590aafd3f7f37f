package provider

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/sashabaranov/go-openai"

	"chat"
	"chat/daemon/model"
)

// call is one answer being made.
type call struct {
	to     *endpoint
	limits Limits
	draft  *draft
	known  *learned
	begun  bool // something was emitted
	emit   func(model.Event) error
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
func (c *call) deliver(e model.Event) error {
	if !c.begun {
		c.begun = true
		c.known.accept(c.draft)
		for _, notice := range c.draft.notices() {
			if err := c.emit(model.Event{Notice: notice}); err != nil {
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
		return c.classify(parent, x, err)
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
	known := c.to.leavesOut(x.model)
	a := newAnswer(c.limits.MaxAnswer, known, func(e model.Event) error {
		x.watch.disarm() // our reader's time is not the provider's
		return c.deliver(e)
	})
	defer func() {
		if a.think.leavesOut != known {
			c.to.learn(x.model, !known)
		}
	}()
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
		case err == io.EOF && a.reason == "" && a.unknown != nil: //nolint:errorlint // as below
			return c.fail(parent, x, a, c.to.notUnderstood(a.unknown, a.size > 0))
		case err == io.EOF, a.reason != "" && isRead(err): //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
			return a.end(c.to)
		default:
			return c.fail(parent, x, a, err)
		}
	}
}

// fail is the failure of an answer, all of which is kept that came before it.
func (c *call) fail(parent context.Context, x *exchange, a *answer, err error) error {
	why := c.classify(parent, x, err)
	if errors.Is(why, errStopped) {
		return why
	}
	if err := a.release(); err != nil {
		return err
	}
	return why
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
	ended := a.reason != ""
	grew, err := c.take(a, raw, x.model)
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
		x.bytesSinceText, a.unknown = 0, nil // text after an event shows that it was no end
	}
	return nil
}

// take takes in what an event says.
func (c *call) take(a *answer, raw []byte, model string) (grew bool, err error) {
	ended := a.reason
	f := &a.frame
	wrong := f.decode(raw)
	if wrong == nil && len(f.Choices) > 0 {
		grew, err = a.add(f)
		if err != nil {
			return grew, err
		}
	}
	said := f.failure(raw)
	if wrong != nil || said == nil && len(f.Choices) == 0 {
		kind := readEvent(raw)
		switch {
		case kind == eventFailure:
			said = raw
		case kind == eventBroken, wrong != nil && kind == eventHarmless && raw[0] == '{':
			return grew, c.to.protocolError("sent an event that is not a chat completion chunk", wrong)
		case kind == eventUnknown:
			a.unknown = bytes.Clone(raw)
		}
		if wrong == nil && said == nil {
			return a.add(f)
		}
	}
	switch {
	case said == nil:
		return grew, nil
	case ended != "": // the answer was whole before
		a.reason = ended
		a.notices = append(a.notices, c.to.afterwards(said))
		return grew, nil
	}
	return grew, c.to.streamError(bytes.Clone(said), model)
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

// classify maps err to its cause: the end of the caller's context, or what the
// exchange made of it.
func (c *call) classify(parent context.Context, x *exchange, err error) error {
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
