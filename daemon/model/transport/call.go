package transport

import (
	"context"
	"errors"
	"iter"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/continuation"
)

// Call makes one answer, over one or several requests.
type Call struct {
	To     *Server
	Limits Limits
	Flow   FlowControl
	Draft  Draft
	Model  string // its id
	Turn   *model.Turn

	begun bool                // something was emitted
	joint *continuation.Joint // nil for a whole answer
	emit  func(model.Event) error
}

// Draft is the request of a Call.
type Draft interface {
	// Adapt changes the request after a refusal, and reports whether to send it again. The
	// refusal may be nil.
	Adapt(refused *apierror.RefusalError) bool
	// Explained is err, or a more helpful error.
	Explained(err error, refused *apierror.RefusalError) error
	// Accepted is called when the provider accepts the request. It returns the notices about
	// what was left out.
	Accepted() []string
	// Joint returns what joins the answer to its beginning in the accepted request, nil if the
	// request is for a whole answer.
	Joint() *continuation.Joint
}

// ErrStopped says that the caller stopped ranging.
var ErrStopped = errors.New("the reader of the answer stopped")

// Events yields the events of the answer, which stream makes. failed is called with an error of
// the answer before it is yielded; it may be nil.
func (c *Call) Events(ctx context.Context, stream func() error, failed func(error)) iter.Seq2[model.Event, error] {
	return func(yield func(model.Event, error) bool) {
		c.emit = func(e model.Event) error {
			if !yield(e, nil) {
				return ErrStopped
			}
			return nil
		}
		err := stream()
		if err != nil && !errors.Is(err, ErrStopped) && c.joint != nil {
			if stopped := c.joint.End(c.emit); stopped != nil {
				err = stopped
			}
		}
		if err == nil || errors.Is(err, ErrStopped) {
			return
		}
		if failed != nil {
			failed(err)
		}
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else {
			err = chat.AsError(err)
		}
		yield(model.Event{}, err)
	}
}

// Stream makes requests until one is accepted. request makes one, and returns nil after it has
// emitted a Finish.
func (c *Call) Stream(ctx context.Context, request func(context.Context) error) error {
	if c.Limits.Total > 0 {
		over := chat.Errorf(chat.CodeDeadline, "the answer of %s took longer than %s (the total limit): ask for less, or raise the limit", c.To.Host, c.Limits.Total)
		limited, cancel := context.WithTimeoutCause(ctx, c.Limits.Total, over)
		defer cancel()
		ctx = limited
	}
	for {
		err := request(ctx)
		if err == nil || c.begun || ctx.Err() != nil {
			return err
		}
		refused := apierror.RefusalIn(err)
		if !c.Draft.Adapt(refused) {
			return c.Draft.Explained(err, refused)
		}
	}
}

// Emit emits an event.
func (c *Call) Emit(e model.Event) error { return c.emit(e) }

// Deliver emits an event. The first one says that the provider accepted the request.
func (c *Call) Deliver(e model.Event) error {
	if !c.begun {
		c.begun, c.joint = true, c.Draft.Joint()
		for _, notice := range c.Draft.Accepted() {
			if err := c.emit(model.Event{Notice: notice}); err != nil {
				return err
			}
		}
	}
	if c.joint != nil {
		return c.joint.Pass(e, c.emit)
	}
	return c.emit(e)
}

// Exchange returns a request and its response, which cancel ends.
func (c *Call) Exchange(cancel context.CancelCauseFunc) Exchange {
	return Exchange{
		To: c.To, Limits: c.Limits, Model: c.Model, Turn: c.Turn, Flow: c.Flow, Watch: Watch{cancel: cancel}, Phases: c.To.phases(c.Limits), RoundTrip: c.To.Send,
	}
}

// Fail ends an answer with an error, after release has emitted what was held back.
func (c *Call) Fail(parent context.Context, err error, release func() error) error {
	why := c.Classify(parent, err)
	if errors.Is(why, ErrStopped) {
		return why
	}
	if err := release(); err != nil {
		return err
	}
	return why
}

// Classify returns the cause of the end of the caller's context, or the error of the
// exchange.
func (c *Call) Classify(parent context.Context, err error) error {
	if errors.Is(err, ErrStopped) {
		return ErrStopped
	}
	if parent.Err() != nil {
		return context.Cause(parent)
	}
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	return c.To.ConnectError(err)
}
