package provider

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// network is the way to all providers.
type network struct {
	*http.Transport
	proxies proxies
}

// newNetwork makes the network. roots, if not nil, replace the system's certificate
// authorities. It never follows redirects, because a RoundTripper does not, and no
// http.Client stands in front of it.
func newNetwork(roots *x509.CertPool, lookup func(string) (string, bool)) *network {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, ControlContext: refuseAddress}
	p := proxies{lookup}
	return &network{&http.Transport{
		Proxy:                  p.choose,
		OnProxyConnectResponse: p.connected,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots}, // nil means the system's
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // answers come in bursts
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        1 << 10, // each running answer holds one; a longer request goes past it
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}, p}
}

// LoadAuthorities is the system's certificate authorities and those in a file, in
// PEM or DER.
func LoadAuthorities(file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any
	}
	if pool.AppendCertsFromPEM(raw) {
		return pool, nil
	}
	one, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("%s has no certificate in it: it must be in PEM, with BEGIN CERTIFICATE", file)
	}
	pool.AddCert(one)
	return pool, nil
}

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
			_ = req.Body.Close() // a RoundTripper must; nobody is there to tell
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

// pipeWriter is the handler's end; used by its goroutine only, but for started.
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
