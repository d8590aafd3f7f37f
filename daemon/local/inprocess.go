package local

import (
	"context"
	"errors"

	"chat/daemon/client"
)

// Server is a server inside this process.
type Server struct {
	endpoint client.Endpoint
	stop     chan struct{}
	ended    chan struct{}
	err      error // valid once ended is closed
}

// InProcess runs the server in this process, under the same lock and on the same
// kind of socket as a daemon, so that other clients are served while it lives.
// It returns once the server is ready. Cancelling ctx ends the server immediately; Close drains it.
func InProcess(ctx context.Context, o ServeOptions) (*Server, error) {
	s := &Server{stop: make(chan struct{}), ended: make(chan struct{})}
	ready := make(chan Info, 1)
	o.InProcess = true
	o.Ready = func(i Info) { ready <- i }
	go func() {
		defer close(s.ended)
		s.err = Serve(ctx, s.stop, o)
	}()
	select {
	case i := <-ready:
		s.endpoint = i.Endpoint()
		return s, nil
	case <-s.ended:
		if s.err == nil {
			s.err = errors.New("the server ended before it was ready")
		}
		return nil, s.err
	}
}

// Endpoint is where the server listens; it fits client.New.
func (s *Server) Endpoint(context.Context) (client.Endpoint, error) { return s.endpoint, nil }

// Close drains the server and waits for its end.
func (s *Server) Close() error {
	close(s.stop)
	<-s.ended
	return s.err
}
