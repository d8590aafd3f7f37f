package openai

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"chat"
	"chat/daemon/api/body"
	"chat/daemon/api/socket"
	"chat/daemon/api/surface"
)

// maxWaiting is how many requests can wait for the one that a socket is serving.
const maxWaiting = 2

// createMessage is a message of the client: the body of POST /v1/responses with a type.
type createMessage struct {
	Type string `json:"type"`
	responseRequest
}

// openSocket serves GET /v1/responses: responses over a WebSocket, one after the other, as
// https://www.openresponses.org describes it.
func (a *API) openSocket(w http.ResponseWriter, r *http.Request) error {
	r = r.Clone(r.Context())
	r.Header.Del("Idempotency-Key") // one key cannot name several requests
	return socket.Serve(w, r, a.backend, a.opts.Socket, func(ctx context.Context, c *socket.Conn) {
		s := &session{Conn: c, api: a, request: r}
		s.serve(ctx)
	})
}

// session is what happens over one socket.
type session struct {
	*socket.Conn

	api     *API
	request *http.Request // the one that opened the socket, with its principal
	kept    string        // the task of the last response, which can be continued even if it is not stored
}

// serve serves requests until the socket ends. Tasks go on.
func (s *session) serve(ctx context.Context) {
	open, closed := context.WithCancel(ctx)
	defer closed()
	waiting := make(chan []byte, maxWaiting)
	s.Go(func() {
		defer close(waiting)
		defer closed()
		s.receive(ctx, waiting)
	})
	s.Go(func() { s.expire(open) })
	for data := range waiting {
		s.create(open, data)
	}
}

// receive reads requests until the socket ends.
func (s *session) receive(ctx context.Context, waiting chan<- []byte) {
	for {
		data, err := s.Read(ctx)
		if err != nil {
			s.Leave("") // the client has closed it, or is gone
			return
		}
		select {
		case waiting <- data:
		default:
			s.fail(chat.Errorf(chat.CodeTooMany, "one response is being made and %d requests wait: wait for the end of a response", maxWaiting))
		}
	}
}

// expire closes the socket when its time is over.
func (s *session) expire(ctx context.Context) {
	timer := time.NewTimer(s.api.opts.SocketLife)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
		s.fail(&chat.Error{
			Code: chat.CodeInvalid, Cause: errSocketLife,
			Message: "this WebSocket was open for as long as it can be: connect again",
		})
		s.Leave("connect again")
	}
}

// create serves one request. If it fails, the response that it continues is dropped.
func (s *session) create(ctx context.Context, data []byte) {
	if ctx.Err() != nil {
		return
	}
	var in createMessage
	failed := true
	err := body.Any(bytes.NewReader(data), &in)
	switch {
	case err != nil:
	case in.Type != "response.create":
		err = invalid("unknown type %q: use response.create", in.Type)
	case in.Background:
		err = invalid("background belongs to POST /v1/responses: leave it out; a response goes on after the end of its socket")
	default:
		failed, err = s.respond(ctx, &in.responseRequest)
	}
	if id, unknown := taskOf(in.PreviousResponseID); failed && unknown == nil && id == s.kept {
		s.kept = ""
	}
	if err != nil && ctx.Err() == nil {
		s.fail(err)
	}
}

// respond makes a response and sends its events. failed says that the response has failed, or
// that there is an error.
func (s *session) respond(ctx context.Context, in *responseRequest) (failed bool, err error) {
	acc, _, err := s.api.submit(s.request, in, s.kept)
	if err != nil {
		return true, err
	}
	stream, err := s.api.backend.Follow(s.request, acc.TaskID, chat.Start())
	if err != nil {
		return true, err
	}
	e := newEvents(stream.Task(), -1)
	e.lines = true
	if err := s.sendLines(e.Open(nil)); err != nil {
		return true, err
	}
	if err := surface.Encode(ctx, stream, e, s.sendLines); err != nil {
		return true, err
	}
	if e.base.Status == statusFailed {
		return true, nil
	}
	s.kept = stream.TaskID()
	return false, nil
}

// sendLines sends each line as a message.
func (s *session) sendLines(events []byte) error {
	for line := range bytes.Lines(events) {
		if err := s.Write(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}

// socketError is the message of a request that failed.
type socketError struct {
	Type   string    `json:"type"`
	Status int       `json:"status"`
	Error  errorBody `json:"error"`
}

// fail tells the client about an error. The socket stays open.
func (s *session) fail(err error) {
	status := s.api.backend.Report(s.request, err)
	data, _ := json.Marshal(socketError{"error", status, bodyOf(chat.AsError(err), status)}) // strings can be encoded
	_ = s.Write(data)                                                                        // a client that is gone needs none
}
