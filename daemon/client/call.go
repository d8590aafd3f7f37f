package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"chat"
)

// maxResponse limits a JSON response. A conversation of 5,000 long messages fits.
const maxResponse = 256 << 20

// request is one call before it is sent.
type request struct {
	method string
	path   string // with its query
	body   any    // encoded as JSON; nil for none
	upload []byte // the body as it is, if not nil
	key    string // Idempotency-Key
	// again says that the call is safe to repeat.
	again bool
	// single says that the call is never repeated.
	single bool
	// provider says that the call may carry the client's provider credentials.
	provider bool
	// timeout limits one attempt; 0 means Options.CallTimeout.
	timeout  time.Duration
	out      any     // the JSON of the response is decoded into it
	download *[]byte // receives the body of the response unchanged
}

// do sends r, and repeats it after a failure if that is safe and can help.
func (c *Client) do(ctx context.Context, r request) error {
	body := r.upload
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return chat.Errorf(chat.CodeInternal, "encode the request: %w", err)
		}
	}
	for try := 1; ; try++ {
		err := c.once(ctx, r, body)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := chat.AsError(err)
		if try >= c.o.Tries || !repeatable(r, e) {
			return e
		}
		wait := max(chat.Backoff(try, c.o.BackoffBase, c.o.BackoffCap), min(e.RetryAfter, c.o.BackoffCap))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// repeatable reports whether a call that failed with e may be sent again.
func repeatable(r request, e *chat.Error) bool {
	if r.single || errors.Is(e, errResolve) {
		return false
	}
	if dialed := (*net.OpError)(nil); errors.As(e, &dialed) && dialed.Op == "dial" {
		return true // nothing was sent
	}
	if !r.again {
		return false
	}
	switch e.Code {
	case chat.CodeDaemon:
		return e.Retryable
	case chat.CodeUnavailable, chat.CodeDraining:
		return true
	default:
		return false
	}
}

// errResolve marks an error of resolve, which is not repeated.
var errResolve = errors.New("resolve")

// once sends r once.
func (c *Client) once(ctx context.Context, r request, body []byte) error {
	l, err := c.connect(ctx)
	if err != nil {
		e := *chat.AsError(err)
		e.Cause = errors.Join(errResolve, e.Cause)
		return &e
	}
	timeout := cmp.Or(r.timeout, c.o.CallTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, callTimeoutError(timeout))
	defer cancel()
	res, err := c.send(ctx, l, r, body)
	if err != nil {
		return c.connectionError(ctx, l, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		return problem(res)
	}
	if r.out == nil && r.download == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxResponse+1))
	if err != nil {
		return c.connectionError(ctx, l, err)
	}
	if len(answer) > maxResponse {
		return chat.Errorf(chat.CodeTooLarge, "the server's response is larger than %d MiB", maxResponse>>20)
	}
	if r.download != nil {
		*r.download = answer
		return nil
	}
	if err := json.Unmarshal(answer, r.out); err != nil {
		return chat.Errorf(chat.CodeIncompatible, "%s did not answer %s %s with the JSON of chat: %w", l, r.method, r.path, err)
	}
	return nil
}

// callTimeoutError is the cause of the end of a call's context after this time.
type callTimeoutError time.Duration

func (callTimeoutError) Error() string { return "no answer in time" }

func (c *Client) send(ctx context.Context, l *transport, r request, body []byte) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, l.base()+r.path, reader)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	c.headers(req, l, r)
	return l.http.Do(req)
}

func (c *Client) headers(req *http.Request, l *transport, r request) {
	req.Header.Set("Accept", "application/json")
	switch {
	case r.body != nil:
		req.Header.Set("Content-Type", "application/json")
	case r.upload != nil:
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	if l.Token != "" && l.Network != "unix" {
		req.Header.Set("Authorization", "Bearer "+l.Token)
	}
	if r.provider && l.Network == "unix" {
		if c.o.ProviderKey != "" {
			req.Header.Set("Chat-Provider-Key", c.o.ProviderKey)
		}
		if c.o.ProviderBaseURL != "" {
			req.Header.Set("Chat-Provider-Base-Url", c.o.ProviderBaseURL)
		}
		if c.o.ProviderKind != "" {
			req.Header.Set("Chat-Provider-Kind", c.o.ProviderKind)
		}
	}
}

// connectionError returns the error of a failed connection, and makes the next request
// resolve the endpoint again.
func (c *Client) connectionError(ctx context.Context, l *transport, err error) error {
	c.drop(l)
	if timeout := callTimeoutError(0); errors.As(context.Cause(ctx), &timeout) {
		return &chat.Error{
			Code: chat.CodeDaemon, Message: fmt.Sprintf("%s did not answer within %s", l, time.Duration(timeout)),
			Retryable: true, Cause: context.DeadlineExceeded,
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	sentence := "the connection to %s was lost: %s"
	if dialed := (*net.OpError)(nil); errors.As(err, &dialed) && dialed.Op == "dial" {
		sentence = "cannot reach %s: %s"
	}
	return &chat.Error{
		Code: chat.CodeDaemon, Message: fmt.Sprintf(sentence, l, innermost(err)), Retryable: true, Cause: err,
	}
}

// innermost removes the wrapping errors, which repeat the URL and the address.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
