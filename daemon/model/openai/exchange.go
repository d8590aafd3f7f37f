package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"chat/daemon/model/completion"
	"chat/daemon/model/openai/wire"
	"chat/daemon/model/transport"
)

// exchange is one request and its response.
type exchange struct {
	transport.Exchange
	whole   bool             // a completion, not a stream, was asked for
	frame   completion.Frame // of the current event
	unknown []byte           // the last event that was not understood
}

// isCompletion reports whether data has choices.
func isCompletion(data []byte) bool {
	var v struct {
		Choices json.RawMessage `json:"choices"`
		Error   json.RawMessage `json:"error"`
	}
	return json.Unmarshal(data, &v) == nil && len(v.Choices) > 0 && !completion.Present(v.Error)
}

// newCompletion returns the HTTP request for a chat completion.
func (e *endpoint) newCompletion(ctx context.Context, request *wire.Request) (*http.Request, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	return e.NewRequest(ctx, http.MethodPost, completions, body, request.Stream)
}

// roundTrip sends req as Server.Send does. If a base URL without a version has no API, /v1 is
// tried once.
func (e *endpoint) roundTrip(req *http.Request) (*http.Response, error) {
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
	return e.Send(req)
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
