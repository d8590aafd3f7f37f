package anthropic

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"chat/daemon/model"
	"chat/daemon/model/answer"
	"chat/daemon/model/transport"
)

// messagesPath is the path of a call for an answer.
const messagesPath = "/v1/messages"

// call makes one answer.
type call struct {
	transport.Call
	p       *Provider
	request *request
}

// once makes one request.
func (c *call) once(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	x := c.Exchange(cancel)
	x.RoundTrip, x.IsAnswer = c.p.send, isMessage
	defer x.Watch.Disarm()
	if err := c.open(ctx, &x); err != nil {
		return c.Classify(parent, err)
	}
	defer func() { _ = x.Body.Close() }() // the answer is in; nothing follows from a failing close
	return c.read(parent, &x)
}

// open sends the request; x then has the body of the response.
func (c *call) open(ctx context.Context, x *transport.Exchange) error {
	request, err := c.request.body(ctx)
	if err != nil {
		return err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	req, err := c.To.NewRequest(ctx, http.MethodPost, messagesPath, body, true)
	if err != nil {
		return err
	}
	if c.request.References() {
		req.Header.Set(betaHeader, filesBeta)
	}
	defer x.Watch.Disarm()
	x.Watch.Arm(c.Limits.Headers, x.Phases.Headers)
	return x.Send(req)
}

// read reads the answer. It is complete with its stop reason, after which only message_stop
// can come.
func (c *call) read(parent context.Context, x *transport.Exchange) error {
	a := answer.New(c.Limits.MaxAnswer, false, func(e model.Event) error {
		x.Watch.Disarm() // the time of our reader does not count
		return c.Deliver(e)
	})
	a.SetApart()
	r := reader{answer: a, sign: c.request.sign}
	x.Watch.Arm(c.Limits.FirstToken, x.Phases.FirstToken)
	for !r.ended {
		if err := c.next(x, &r); err != nil {
			if parent.Err() == nil && a.Reason() != "" && transport.IsRead(err) {
				break
			}
			return c.Fail(parent, err, a.Release)
		}
	}
	x.Watch.Disarm()
	return a.End(c.To.Host)
}

// next adds one event of the stream to the answer.
func (c *call) next(x *transport.Exchange, r *reader) error {
	raw, err := x.Body.Next()
	if err == io.EOF { //nolint:errorlint // a cut is an error that wraps io.EOF, [DONE] and the end of a whole message are io.EOF itself
		err = c.To.CutError(io.ErrUnexpectedEOF)
	}
	if err != nil {
		return transport.ReadError{Err: err}
	}
	ended := r.answer.Reason()
	grew, err := r.read(raw)
	switch {
	case err != nil:
		return c.wrong(err)
	case r.failure != nil && ended != "": // the answer was complete
		r.answer.KeepEnd(ended, c.To.Afterwards(r.failure))
		r.ended = true
	case r.failure != nil:
		return c.To.StreamError(r.failure, x.Model)
	case r.ended:
		x.Body.End()
	case r.answer.Reason() != "":
		x.Watch.Arm(transport.Trailing(c.Limits.Idle), x.Phases.Trailing)
	case grew:
		x.BytesSinceText = 0
		x.Watch.Arm(c.Limits.Idle, x.Phases.Idle)
	}
	return nil
}

// wrong returns the error of an event that could not be read, or of a reader that stopped.
func (c *call) wrong(err error) error {
	if e, ok := err.(eventError); ok { //nolint:errorlint // read returns it itself
		return c.To.ProtocolError("sent an event that is not one of the Messages API", e.error)
	}
	return err
}
