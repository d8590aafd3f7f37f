package openai

import (
	"bytes"
	"context"
	"io"

	"chat/daemon/model"
	"chat/daemon/model/answer"
	"chat/daemon/model/completion"
	"chat/daemon/model/transport"
)

// call makes one answer.
type call struct {
	transport.Call
	to            *endpoint
	draft         *request
	key, upstream string      // as in model.Request
	at            *attachment // nil for Chat Completions
}

// make makes the answer in the form that the server was chosen for.
func (c *call) make(ctx context.Context) error {
	if c.at != nil {
		return c.at.make(ctx)
	}
	return c.once(ctx)
}

// once makes one request.
func (c *call) once(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	x := c.exchange(cancel)
	x.whole = c.draft.Form.whole
	defer x.Watch.Disarm()
	if err := c.open(ctx, x); err != nil {
		return c.Classify(parent, err)
	}
	defer func() { _ = x.Body.Close() }() // the answer is in; nothing follows from a failing close
	return c.read(parent, x)
}

// exchange returns a request and its response, which cancel ends.
func (c *call) exchange(cancel context.CancelCauseFunc) *exchange {
	x := &exchange{Exchange: c.Exchange(cancel)}
	x.RoundTrip, x.IsAnswer = c.to.roundTrip, isCompletion
	return x
}

// open sends the request; x then has the body of the response.
func (c *call) open(ctx context.Context, x *exchange) error {
	request, err := c.draft.completion(ctx)
	if err != nil {
		return err
	}
	req, err := c.to.newCompletion(ctx, request)
	if err != nil {
		return err
	}
	defer x.Watch.Disarm()
	if x.whole {
		x.Watch.Arm(c.Limits.Whole(), x.Phases.Whole)
	} else {
		x.Watch.Arm(c.Limits.Headers, x.Phases.Headers)
	}
	return x.Send(req)
}

// read reads the answer. An answer spends its time here, so neither read nor its callers
// have large stack frames: 8 KiB of stack are enough.
func (c *call) read(parent context.Context, x *exchange) error {
	known := c.to.leavesOut(x.Model)
	a := answer.New(c.Limits.MaxAnswer, known, func(e model.Event) error {
		x.Watch.Disarm() // the time of our reader does not count
		return c.Deliver(e)
	})
	defer func() {
		if a.LeavesOut() != known {
			c.to.learn(x.Model, !known)
		}
	}()
	if x.whole {
		x.Watch.Arm(c.Limits.Whole(), x.Phases.Whole)
	} else {
		x.Watch.Arm(c.Limits.FirstToken, x.Phases.FirstToken)
	}
	for {
		err := c.next(x, a)
		switch {
		case err == nil:
		case parent.Err() != nil:
			return context.Cause(parent)
		case err == io.EOF && a.Reason() == "" && x.unknown != nil: //nolint:errorlint // as below
			return c.Fail(parent, c.to.NotUnderstood(x.unknown, !a.Empty()), a.Release)
		case err == io.EOF, a.Reason() != "" && transport.IsRead(err): //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
			return a.End(c.to.Host)
		default:
			return c.Fail(parent, err, a.Release)
		}
	}
}

// next adds one event of the stream to the answer. io.EOF is [DONE].
func (c *call) next(x *exchange, a *answer.Answer) error {
	raw, err := x.Body.Next()
	if err == io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] is io.EOF itself
		return err
	}
	if err != nil {
		return transport.ReadError{Err: err}
	}
	ended := a.Reason() != ""
	grew, err := c.take(x, a, raw)
	if err != nil {
		return err
	}
	switch {
	case a.Reason() != "":
		if grew || !ended {
			x.Watch.Arm(transport.Trailing(c.Limits.Idle), x.Phases.Trailing)
		}
	case grew:
		x.Watch.Arm(c.Limits.Idle, x.Phases.Idle)
	}
	if grew {
		x.BytesSinceText, x.unknown = 0, nil // text follows, so the unknown event was no end
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
			return grew, c.to.ProtocolError("sent an event that is not a chat completion chunk", wrong)
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
		a.KeepEnd(ended, c.to.Afterwards(said))
		return grew, nil
	}
	return grew, c.to.StreamError(bytes.Clone(said), x.Model)
}
