package demo

import (
	"context"
	"io"
	"net/http"
)

// NewTransport returns a transport that answers requests from the demo in this process,
// without a socket.
func NewTransport(opts Options) http.RoundTripper { return handlerTransport{New(opts)} }

// handlerTransport answers requests from a handler in this process, streaming,
// without a socket.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(req.Context())
	pr, pw := io.Pipe()
	w := &pipeWriter{pipe: pw, header: http.Header{}, started: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { _ = pr.CloseWithError(context.Cause(ctx)) }) // always nil
	body := &pipeBody{PipeReader: pr, cancel: cancel, stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(body.ended)
		t.handler.ServeHTTP(w, req.WithContext(ctx))
		if req.Body != nil {
			_ = req.Body.Close() // a RoundTripper must; the error has no reader
		}
		w.WriteHeader(http.StatusOK)
		_ = pw.Close() // always nil
	}()
	select {
	case <-w.started:
		return &http.Response{
			Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: w.sent, Body: body, ContentLength: -1, Request: req,
		}, nil
	case <-ctx.Done():
		_ = body.Close() // waits for the handler; always nil
		return nil, context.Cause(ctx)
	}
}

// pipeBody is the client's end. Close ends the handler and waits for it.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	stop   func() bool
	ended  chan struct{}
}

func (b *pipeBody) Close() error {
	b.stop()
	b.cancel()
	err := b.PipeReader.Close()
	<-b.ended
	return err
}

// pipeWriter is the handler's end. Only the handler's goroutine uses it, except for started.
type pipeWriter struct {
	pipe    *io.PipeWriter
	header  http.Header
	sent    http.Header
	status  int
	started chan struct{}
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status, w.sent = status, w.header.Clone()
	close(w.started)
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// Flush does nothing: every Write reaches the reader.
func (w *pipeWriter) Flush() {}
