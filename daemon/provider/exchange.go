package provider

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sashabaranov/go-openai"

	"chat"
)

var _ openai.HTTPDoer = (*exchange)(nil)

// exchange is the HTTP client of one request: go-openai's request goes out
// through it, and clean events come back.
type exchange struct {
	to             *endpoint
	limits         Limits
	model          string
	whole          bool                 // a completion, not a stream, was asked for
	pause          func() time.Duration // nil: none
	watch          watch
	phases         *phases
	bytesSinceText int   // bytes read since the last text
	body           *body // of the response
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

// roundTrip sends req to e, and to nowhere else: its key is in the headers. A base
// URL without a version, below which there is nothing, is tried with /v1 once.
// Errors are *chat.Error, or the cause of the request's context.
func (e *endpoint) roundTrip(req *http.Request) (*http.Response, error) {
	if originOf(req.URL) != e.origin {
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
			return resp, nil //nolint:nilerr // there is an answer to go by
		}
	}
	better, err := e.send(second, true)
	if err != nil {
		return resp, nil //nolint:nilerr // there is an answer to go by
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

// nothingThere reports whether a response says that there is no such URL: a web
// page, a status, or LM Studio's error under the status of a success.
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
	// A failure to read comes again when the body is read.
	head, _ := io.ReadAll(io.LimitReader(resp.Body, resp.ContentLength))
	resp.Body = readCloser{io.MultiReader(bytes.NewReader(head), resp.Body), resp.Body}
	return bytes.Contains(head, []byte("Unexpected endpoint"))
}

// readCloser reads from one and closes the other.
type readCloser struct {
	io.Reader
	io.Closer
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
