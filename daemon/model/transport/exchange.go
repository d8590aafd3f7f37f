package transport

import (
	"bytes"
	"context"
	"net/http"

	"chat/daemon/model"
	"chat/daemon/model/apierror"
)

// Exchange is one request and its response.
type Exchange struct {
	To     *Server
	Limits Limits
	Model  string
	Turn   *model.Turn // hears of each response
	Flow   FlowControl // may be nil
	Watch  Watch
	Phases *Phases
	// RoundTrip sends a request to To.
	RoundTrip func(*http.Request) (*http.Response, error)
	// IsAnswer reports whether JSON that came in place of a stream is a whole answer.
	IsAnswer func([]byte) bool
	// ReadsFailures says that the reader of the events recognizes failures.
	ReadsFailures  bool
	BytesSinceText int   // bytes read since the last text
	Body           *Body // of the response
}

// NewRequest returns an HTTP request for an answer, streamed or not.
func (s *Server) NewRequest(ctx context.Context, method, path string, body []byte, stream bool) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.Base+path, bytes.NewReader(body))
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

// Send sends the request and opens the body of the response. A response that is not a
// success is an error.
func (x *Exchange) Send(req *http.Request) error {
	resp, err := x.RoundTrip(req) //nolint:bodyclose // Check closes it, or the caller closes x.Body
	if err != nil {
		return err
	}
	err = x.To.Check(resp, x.Model)
	outcome, delay := apierror.Limit(err)
	x.Turn.Responded(resp.Header, outcome, delay)
	if err != nil {
		return err
	}
	x.Body = newBody(req.Context(), x, resp)
	return nil
}
