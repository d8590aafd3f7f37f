package openai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/openai/answer"
	"chat/daemon/model/openai/apierror"
	"chat/daemon/model/openai/completion"
	"chat/daemon/model/openai/draft"
)

// call makes one answer.
type call struct {
	to            *endpoint
	limits        Limits
	draft         *draft.Draft
	key, upstream string // as in model.Request
	known         *draft.Learned
	begun         bool // something was emitted
	emit          func(model.Event) error
	flow          FlowControl
	at            *attachment // nil for Chat Completions
}

// stream makes requests until one is accepted, and emits the events of the answer. It
// returns nil after it has emitted a Finish.
func (c *call) stream(ctx context.Context) error {
	if c.limits.Total > 0 {
		over := chat.Errorf(chat.CodeDeadline, "the answer of %s took longer than %s (the total limit): ask for less, or raise the limit", c.to.host, c.limits.Total)
		limited, cancel := context.WithTimeoutCause(ctx, c.limits.Total, over)
		defer cancel()
		ctx = limited
	}
	for {
		err := c.make(ctx)
		if err == nil || c.begun || ctx.Err() != nil {
			return err
		}
		refused := apierror.RefusalIn(err)
		if !c.draft.Adapt(refused) {
			return c.draft.Explained(err, refused)
		}
	}
}

// make makes the answer in the form that the server was chosen for.
func (c *call) make(ctx context.Context) error {
	if c.at != nil {
		return c.at.make(ctx)
	}
	return c.once(ctx)
}

// deliver emits an event. The first one says that the provider accepted the request.
func (c *call) deliver(e model.Event) error {
	if !c.begun {
		c.begun = true
		c.known.Accept(c.draft)
		for _, notice := range c.draft.Notices() {
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
	x := c.exchange(cancel)
	x.whole = c.draft.Whole()
	defer x.watch.disarm()
	if err := c.open(ctx, x); err != nil {
		return c.classify(parent, err)
	}
	defer func() { _ = x.body.Close() }() // the answer is in; nothing follows from a failing close
	return c.read(parent, x)
}

// exchange returns a request and its response, which cancel ends.
func (c *call) exchange(cancel context.CancelCauseFunc) *exchange {
	return &exchange{
		to: c.to, limits: c.limits, model: c.draft.Model, flow: c.flow, watch: watch{cancel: cancel}, phases: c.to.phases(c.limits),
	}
}

// open sends the request; x then has the body of the response.
func (c *call) open(ctx context.Context, x *exchange) error {
	request, err := c.draft.Request(ctx)
	if err != nil {
		return err
	}
	req, err := c.to.newCompletion(ctx, request)
	if err != nil {
		return err
	}
	defer x.watch.disarm()
	if x.whole {
		x.watch.arm(c.limits.whole(), x.phases.whole)
	} else {
		x.watch.arm(c.limits.Headers, x.phases.headers)
	}
	return x.send(req)
}

// read reads the answer. An answer spends its time here, so neither read nor its callers
// have large stack frames: 8 KiB of stack are enough.
func (c *call) read(parent context.Context, x *exchange) error {
	known := c.to.leavesOut(x.model)
	a := answer.New(c.limits.MaxAnswer, known, func(e model.Event) error {
		x.watch.disarm() // the time of our reader does not count
		return c.deliver(e)
	})
	defer func() {
		if a.LeavesOut() != known {
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
		case err == io.EOF && a.Reason() == "" && x.unknown != nil: //nolint:errorlint // as below
			return c.fail(parent, a, c.to.notUnderstood(x.unknown, !a.Empty()))
		case err == io.EOF, a.Reason() != "" && isRead(err): //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
			return a.End(c.to.host)
		default:
			return c.fail(parent, a, err)
		}
	}
}

// fail ends an answer with an error, after it has emitted what was held back.
func (c *call) fail(parent context.Context, a *answer.Answer, err error) error {
	why := c.classify(parent, err)
	if errors.Is(why, errStopped) {
		return why
	}
	if err := a.Release(); err != nil {
		return err
	}
	return why
}

// next adds one event of the stream to the answer. io.EOF is [DONE].
func (c *call) next(x *exchange, a *answer.Answer) error {
	raw, err := x.body.next()
	if err == io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
		return err
	}
	if err != nil {
		return readError{err}
	}
	ended := a.Reason() != ""
	grew, err := c.take(x, a, raw)
	if err != nil {
		return err
	}
	switch {
	case a.Reason() != "":
		if grew || !ended {
			x.watch.arm(min(trailingLimit, orTrailing(c.limits.Idle)), x.phases.trailing)
		}
	case grew:
		x.watch.arm(c.limits.Idle, x.phases.idle)
	}
	if grew {
		x.bytesSinceText, x.unknown = 0, nil // text follows, so the unknown event was no end
	}
	return nil
}

// take adds what an event says to the answer.
func (c *call) take(x *exchange, a *answer.Answer, raw []byte) (grew bool, err error) {
	ended := a.Reason()
	f := &x.frame
	wrong := f.Decode(raw)
	if wrong == nil && len(f.Choices) > 0 {
		grew, err = a.Add(f)
		if err != nil {
			return grew, err
		}
	}
	said := f.Failure(raw)
	if wrong != nil || said == nil && len(f.Choices) == 0 {
		kind := completion.Classify(raw)
		switch {
		case kind == completion.Failure:
			said = raw
		case kind == completion.Broken, wrong != nil && kind == completion.Harmless && raw[0] == '{':
			return grew, c.to.protocolError("sent an event that is not a chat completion chunk", wrong)
		case kind == completion.Unknown:
			x.unknown = bytes.Clone(raw)
		}
		if wrong == nil && said == nil {
			return a.Add(f)
		}
	}
	switch {
	case said == nil:
		return grew, nil
	case ended != "": // the answer was complete
		a.KeepEnd(ended, c.to.afterwards(said))
		return grew, nil
	}
	return grew, c.to.streamError(bytes.Clone(said), x.model)
}

// orTrailing is d, or trailingLimit where d is no limit.
func orTrailing(d time.Duration) time.Duration {
	if d <= 0 {
		return trailingLimit
	}
	return d
}

// readError is a failure to read the stream, as opposed to its content.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

func isRead(err error) bool {
	_, ok := errors.AsType[readError](err)
	return ok
}

// classify returns the cause of the end of the caller's context, or the error of the
// exchange.
func (c *call) classify(parent context.Context, err error) error {
	if errors.Is(err, errStopped) {
		return errStopped
	}
	if parent.Err() != nil {
		return context.Cause(parent)
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	return c.to.connectError(err)
}
