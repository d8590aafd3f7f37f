// Package ws serves GET /ws: over one WebSocket (RFC 6455), a client follows tasks, submits
// messages and stops tasks. docs/protocol.md describes the messages.
package ws

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"chat"
	"chat/daemon/api/socket"
	"chat/daemon/api/surface"
)

// Options are the settings of a socket; zero values mean the defaults.
type Options struct {
	socket.Options

	Instance string
	// MaxFollows bounds the tasks that one socket follows at the same time; 100.
	MaxFollows int
}

// helloLimit is how long a client may take for its first message.
const helloLimit = 10 * time.Second

// maxHello bounds the first message in bytes, as its sender is not known yet.
const maxHello = 8 << 10

// API serves sockets.
type API struct {
	backend surface.Backend
	opts    Options
}

// New returns the API of a server.
func New(b surface.Backend, o Options) *API {
	if o.MaxFollows <= 0 {
		o.MaxFollows = 100
	}
	return &API{b, o}
}

// request is a message of the client. Type says which fields it has:
//
//	hello     token
//	follow    task_id, after
//	unfollow  task_id
//	submit    ref, idempotency_key, message: the body of POST /messages
//	cancel    ref, task_id
type request struct {
	Type           string          `json:"type"`
	Ref            string          `json:"ref"`
	Token          string          `json:"token"`
	TaskID         string          `json:"task_id"`
	After          string          `json:"after"`
	IdempotencyKey string          `json:"idempotency_key"`
	Message        json.RawMessage `json:"message"`
}

// reply is a message of the server that is not a chunk.
type reply struct {
	Type           string         `json:"type"`
	Ref            string         `json:"ref,omitempty"`
	Instance       string         `json:"instance,omitempty"`
	TaskID         string         `json:"task_id,omitempty"`
	MessageID      string         `json:"message_id,omitempty"`
	UserMessageID  string         `json:"user_message_id,omitempty"`
	ConversationID string         `json:"conversation_id,omitempty"`
	Status         string         `json:"status,omitempty"`
	Replayed       bool           `json:"replayed,omitempty"`
	Won            *bool          `json:"won,omitempty"`
	State          chat.TaskState `json:"state,omitempty"`
	Error          *chat.Error    `json:"error,omitempty"`
}

// ServeHTTP accepts a socket and serves it until it is closed.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := socket.Serve(w, r, a.backend, a.opts.Options, func(ctx context.Context, c *socket.Conn) {
		s := &session{Conn: c, api: a, request: r, follows: map[string]*context.CancelFunc{}}
		s.serve(ctx)
	})
	if err != nil {
		a.backend.Fail(w, r, err)
	}
}

// session is what happens over one socket.
type session struct {
	*socket.Conn

	api     *API
	request *http.Request // the one that opened the socket, with its principal

	mu      sync.Mutex // guards follows
	follows map[string]*context.CancelFunc
}

// serve reads messages until the socket ends.
func (s *session) serve(ctx context.Context) {
	if !s.hello(ctx) {
		return
	}
	for {
		data, err := s.Read(ctx)
		var in request
		if err == nil {
			err = json.Unmarshal(data, &in)
		}
		if err == nil {
			err = s.handle(ctx, in)
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

// fail closes the socket after an error.
func (s *session) fail(err error) {
	if errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError)) {
		s.Close(websocket.StatusUnsupportedData, "a message is not the JSON of this protocol")
		return
	}
	s.Leave("") // the client has closed it, or is gone
}

// hello identifies the client by its first message, unless its request has done so. If it
// returns false, the socket is closed.
func (s *session) hello(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	s.Limit(maxHello)
	data, err := s.Read(ctx)
	s.Limit(0)
	var in request
	if err == nil {
		err = json.Unmarshal(data, &in)
	}
	if err != nil || in.Type != "hello" {
		s.Close(websocket.StatusPolicyViolation, "the first message must be hello")
		return false
	}
	identified, err := s.api.backend.Identify(s.request, in.Token)
	if err != nil {
		_ = s.send(reply{Type: "error", Ref: in.Ref, Error: chat.AsError(err)}) // it is closed anyway
		s.Close(websocket.StatusPolicyViolation, "unauthorized")
		return false
	}
	s.request = identified
	if err := s.send(reply{Type: "ready", Ref: in.Ref, Instance: s.api.opts.Instance}); err != nil {
		s.fail(err)
		return false
	}
	return true
}

// handle answers one message. It returns an error only if the socket cannot go on.
func (s *session) handle(ctx context.Context, in request) error {
	out := reply{Ref: in.Ref, TaskID: in.TaskID}
	var err error
	switch in.Type {
	case "follow":
		if err = s.follow(ctx, in); err == nil {
			return nil
		}
	case "unfollow":
		s.unfollow(in.TaskID)
		return nil
	case "submit":
		out.Type, out.TaskID = "accepted", ""
		err = s.submit(in, &out) //nolint:contextcheck // a task does not end with its socket
	case "cancel":
		var task chat.Task
		var won bool
		task, won, err = s.api.backend.Stop(s.request, in.TaskID)
		out.Type, out.Won, out.State = "cancelled", &won, task.State
	default:
		err = chat.Errorf(chat.CodeInvalid, "unknown type %q: use follow, unfollow, submit or cancel", in.Type)
	}
	if err != nil {
		out = s.problem(in, err)
	}
	return s.send(out)
}

// problem is the reply to a message that cannot be carried out.
func (s *session) problem(in request, err error) reply {
	s.api.backend.Report(s.request, err)
	return reply{Type: "error", Ref: in.Ref, TaskID: in.TaskID, Error: surface.Shown(err)}
}

func (s *session) submit(in request, out *reply) error {
	r := s.request.Clone(s.request.Context()) // which has the owner
	r.URL.Path = "/messages"                  // so that a key means the same over HTTP
	r.Header.Del("Idempotency-Key")
	if in.IdempotencyKey != "" {
		r.Header.Set("Idempotency-Key", in.IdempotencyKey)
	}
	acc, replayed, err := s.api.backend.SubmitJSON(r, in.Message)
	out.TaskID, out.MessageID, out.UserMessageID, out.ConversationID = acc.TaskID, acc.MessageID, acc.UserMessageID, acc.ConversationID
	out.Status, out.Replayed = acc.Status, replayed
	return err
}

func (s *session) send(out reply) error {
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return s.Write(data)
}
