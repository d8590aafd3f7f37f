package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"chat"
	"chat/daemon/model/openai/apierror"
	"chat/daemon/model/openai/completion"
	"chat/daemon/model/openai/network"
	"chat/daemon/model/openai/wire"
)

// exchange is one request and its response.
type exchange struct {
	to             *endpoint
	limits         Limits
	model          string
	whole          bool        // a completion, not a stream, was asked for
	responses      bool        // of the Responses API
	flow           FlowControl // may be nil
	watch          watch
	phases         *phases
	bytesSinceText int              // bytes read since the last text
	body           *body            // of the response
	frame          completion.Frame // of the current event
	unknown        []byte           // the last event that was not understood
}

// newCompletion returns the HTTP request for a chat completion.
func (e *endpoint) newCompletion(ctx context.Context, request *wire.Request) (*http.Request, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return e.newRequest(ctx, http.MethodPost, completions, body, request.Stream)
}

// newRequest returns an HTTP request for an answer, streamed or not.
func (e *endpoint) newRequest(ctx context.Context, method, path string, body []byte, stream bool) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	if stream {
		req.Header.Set("Accept", "text/event-stream")
		req.Header.Set("Cache-Control", "no-cache")
	}
	return req, nil
}

// send sends the request and opens the body of the response. A response that is not a
// success is an error.
func (x *exchange) send(req *http.Request) error {
	resp, err := x.to.roundTrip(req) //nolint:bodyclose // check closes it, or call.once closes x.body
	if err != nil {
		return err
	}
	if err := x.to.check(resp, x.model); err != nil {
		return err
	}
	x.body = newBody(req.Context(), x, resp)
	return nil
}

// roundTrip sends req to e only, because its key is in the headers. If a base URL without
// a version has no API, /v1 is tried once. Errors are *chat.Error, or the cause of the
// request's context.
func (e *endpoint) roundTrip(req *http.Request) (*http.Response, error) {
	if network.Origin(req.URL) != e.origin {
		return nil, chat.Errorf(chat.CodeInternal, "a request for %s was about to go elsewhere", e.host)
	}
	below := e.below.Load()
	resp, err := e.send(req.Clone(req.Context()), below)
	if err != nil || below || !e.unversioned || !nothingThere(resp) {
		return resp, err
	}
	second := req.Clone(req.Context())
	if req.GetBody != nil {
		if second.Body, err = req.GetBody(); err != nil {
			return resp, nil //nolint:nilerr // the first response says what is wrong
		}
	}
	better, err := e.send(second, true)
	if err != nil {
		return resp, nil //nolint:nilerr // the first response says what is wrong
	}
	if nothingThere(better) {
		_ = better.Body.Close() // not wanted
		return resp, nil
	}
	_ = resp.Body.Close() // not wanted
	e.below.Store(true)
	return better, nil
}

func (e *endpoint) send(req *http.Request, below bool) (*http.Response, error) {
	e.address(req, below)
	resp, err := e.transport.RoundTrip(req)
	if err == nil {
		return resp, nil
	}
	if cause := context.Cause(req.Context()); cause != nil {
		return nil, cause
	}
	return nil, e.connectError(err)
}

// nothingThere reports whether a response says that the URL does not exist: a web page, a
// status, or LM Studio's error with the status of a success.
func nothingThere(resp *http.Response) bool {
	kind := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusMethodNotAllowed:
		return true
	case resp.StatusCode != http.StatusOK:
		return false
	case strings.HasPrefix(kind, "text/html"):
		return true
	case !strings.HasPrefix(kind, "application/json") || resp.ContentLength <= 0 || resp.ContentLength > 1024:
		return false
	}
	// If reading fails, reading the body fails again.
	head, _ := io.ReadAll(io.LimitReader(resp.Body, resp.ContentLength))
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	return bytes.Contains(head, []byte("Unexpected endpoint"))
}

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
}

// check returns nil for a success and otherwise consumes the response.
func (e *endpoint) check(resp *http.Response, model string) error {
	if resp.StatusCode >= 200 && resp.StatusCode < 300 && resp.StatusCode != http.StatusNoContent {
		return nil
	}
	defer func() { _ = resp.Body.Close() }() // the status is the error
	// What can be read of the explanation is enough.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, apierror.MaxBody))
	return e.statusError(resp.StatusCode, resp.Header, body, model)
}
