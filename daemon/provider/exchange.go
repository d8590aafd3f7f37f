package provider

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/sashabaranov/go-openai"

	"chat"
)

var _ openai.HTTPDoer = (*exchange)(nil)

// exchange is the HTTP client of one request: go-openai's request goes out
// through it, and clean events come back.
type exchange struct {
	to     *endpoint
	limits Limits
	model  string
	whole  bool                 // a completion, not a stream, was asked for
	pause  func() time.Duration // nil: none
	watch  watch
	phases *phases
	quiet  int   // bytes read since the last text
	body   *body // of the response
}

// Do sends the request. A response that is not a success is an error here.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	resp, err := x.to.roundTrip(req)
	if err != nil {
		return nil, err
	}
	if err := x.to.check(resp, x.model); err != nil {
		return nil, err
	}
	x.body = newBody(req.Context(), x, resp)
	resp.Body = http.NoBody
	return resp, nil
}

// roundTrip sends req to e, and to nowhere else: its key is in the headers.
// Errors are *chat.Error, or the cause of the request's context.
func (e *endpoint) roundTrip(req *http.Request) (*http.Response, error) {
	if originOf(req.URL) != e.origin {
		return nil, chat.Errorf(chat.CodeInternal, "a request for %s was about to go elsewhere", e.host)
	}
	req.Header.Set("User-Agent", "chat")
	resp, err := e.transport.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	if cause := context.Cause(req.Context()); cause != nil {
		return nil, cause
	}
	return nil, e.connectError(err)
}

// maxErrorBody bounds what is read of a response that is an error.
const maxErrorBody = 64 << 10

// check returns nil for a success and otherwise consumes the response.
func (e *endpoint) check(resp *http.Response, model string) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 && resp.StatusCode != http.StatusNoContent {
		return nil
	}
	defer func() { _ = resp.Body.Close() }() // the status is the error
	// What can be read of the explanation is enough.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	return e.statusError(resp.StatusCode, resp.Header, body, model)
}
