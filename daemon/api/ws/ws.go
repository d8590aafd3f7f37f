// Package ws serves GET /ws: over one WebSocket (RFC 6455), a client follows tasks, submits
// messages and stops tasks. docs/protocol.md describes the messages.
package ws

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"chat"
	"chat/daemon/api/surface"
)

// Options are the settings of a socket; zero values mean the defaults.
type Options struct {
	Instance string
	// Ping is how often the client is asked whether it is there; 15 s.
	Ping time.Duration
	// Slow is how long one write may take before the client counts as too slow; 30 s.
	Slow time.Duration
	// MaxMessage bounds a message of the client in bytes; 5 MiB.
	MaxMessage int64
	// MaxFollows bounds the tasks that one socket follows at the same time; 100.
	MaxFollows int
}

func (o Options) withDefaults() Options {
	if o.Ping <= 0 {
		o.Ping = 15 * time.Second
	}
	if o.Slow <= 0 {
		o.Slow = 30 * time.Second
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 5 << 20
	}
	if o.MaxFollows <= 0 {
		o.MaxFollows = 100
	}
	return o
}

// giveUp is how many times Options.Slow a client that does not read at all gets before its
// connection is cut.
const giveUp = 4

// helloLimit is how long a client may take for its first message.
const helloLimit = 10 * time.Second

// API serves sockets.
type API struct {
	backend surface.Backend
	opts    Options
}

// New returns the API of a server.
func New(b surface.Backend, o Options) *API { return &API{b, o.withDefaults()} }

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
	release, err := a.backend.Acquire()
	if err != nil {
		a.backend.Fail(w, r, err)
		return
	}
	defer release()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // Host and Origin have been checked
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(a.opts.MaxMessage)
	live, left := a.backend.Live(r)
	defer left()
	base := context.WithoutCancel(r.Context())
	ctx, cancel := context.WithCancel(base)
	s := &socket{api: a, conn: conn, request: r, base: base, ctx: ctx, cancel: cancel, follows: map[string]*context.CancelFunc{}}
	//nolint:contextcheck // a socket ends with its client, or with the server
	defer context.AfterFunc(live, func() { s.close(websocket.StatusServiceRestart, "the server is shutting down: connect again") })()
	s.serve() //nolint:contextcheck // as above
	cancel()
	s.work.Wait()
}

// socket is one connection.
type socket struct {
	api     *API
	conn    *websocket.Conn
	request *http.Request   // the one that opened it, with its principal
	base    context.Context //nolint:containedctx // of reads and writes: its end would cut the connection
	ctx     context.Context //nolint:containedctx // of follows
	cancel  context.CancelFunc
	work    sync.WaitGroup // follows

	mu      sync.Mutex // guards follows
	follows map[string]*context.CancelFunc

	closing sync.Once
	writing sync.Mutex   // held during a write
	began   atomic.Int64 // when the current write began, in ms since 1970; 0 between writes
	slow    atomic.Bool
}

var errSlow = errors.New("ws: the client reads too slowly")

// serve reads messages until the socket ends.
func (s *socket) serve() {
	if !s.hello() {
		return
	}
	s.work.Go(s.watch)
	for {
		var in request
		err := s.read(s.base, &in)
		if err == nil {
			err = s.handle(in)
		}
		if err != nil {
			s.fail(err)
			return
		}
	}
}

// fail closes the socket after an error.
func (s *socket) fail(err error) {
	if errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError)) {
		s.close(websocket.StatusUnsupportedData, "a message is not the JSON of this protocol")
		return
	}
	s.close(websocket.StatusNormalClosure, "") // the client has closed it, or is gone
}

// close tells the client why its socket ends, and ends it.
func (s *socket) close(status websocket.StatusCode, reason string) {
	s.closing.Do(func() { _ = s.conn.Close(status, reason) }) // the client may be gone
}

// hello identifies the client by its first message, unless its request has done so. If it
// returns false, the socket is closed.
func (s *socket) hello() bool {
	ctx, cancel := context.WithTimeout(s.base, helloLimit)
	defer cancel()
	var in request
	if err := s.read(ctx, &in); err != nil || in.Type != "hello" {
		s.close(websocket.StatusPolicyViolation, "the first message must be hello")
		return false
	}
	identified, err := s.api.backend.Identify(s.request, in.Token)
	if err != nil {
		_ = s.send(reply{Type: "error", Ref: in.Ref, Error: chat.AsError(err)}) // it is closed anyway
		s.close(websocket.StatusPolicyViolation, "unauthorized")
		return false
	}
	s.request = identified
	if err := s.send(reply{Type: "ready", Ref: in.Ref, Instance: s.api.opts.Instance}); err != nil {
		s.fail(err)
		return false
	}
	return true
}

func (s *socket) read(ctx context.Context, in *request) error {
	_, data, err := s.conn.Read(ctx)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, in)
}

// handle answers one message. It returns an error only if the socket cannot go on.
func (s *socket) handle(in request) error {
	out := reply{Ref: in.Ref, TaskID: in.TaskID}
	var err error
	switch in.Type {
	case "follow":
		if err = s.follow(in); err == nil {
			return nil
		}
	case "unfollow":
		s.unfollow(in.TaskID)
		return nil
	case "submit":
		out.Type, out.TaskID = "accepted", ""
		err = s.submit(in, &out)
	case "cancel":
		var task chat.Task
		var won bool
		task, won, err = s.api.backend.Stop(s.request, in.TaskID)
		out.Type, out.Won, out.State = "cancelled", &won, task.State
	default:
		err = chat.Errorf(chat.CodeInvalid, "unknown type %q: use follow, unfollow, submit or cancel", in.Type)
	}
	if err != nil {
		out = reply{Type: "error", Ref: in.Ref, TaskID: in.TaskID, Error: chat.AsError(err)}
	}
	return s.send(out)
}

func (s *socket) submit(in request, out *reply) error {
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

func (s *socket) send(out reply) error {
	data, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return s.write(data)
}

// write sends one message. It waits for the client; watch sees when that takes too long.
func (s *socket) write(data []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.slow.Load() {
		return errSlow
	}
	s.began.Store(time.Now().UnixMilli())
	err := s.conn.Write(s.base, websocket.MessageText, data)
	s.began.Store(0)
	return err
}

// watch asks the client whether it is there, and ends the socket of one that reads too
// slowly. A write in progress is left alone for a while, so that a client that reads again
// gets a status and not a broken connection.
func (s *socket) watch() {
	ticker := time.NewTicker(min(s.api.opts.Ping, s.api.opts.Slow) / 4)
	defer ticker.Stop()
	pinged := time.Now()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-ticker.C:
			began := s.began.Load()
			took := time.Duration(now.UnixMilli()-began) * time.Millisecond
			switch {
			case began > 0 && took > giveUp*s.api.opts.Slow:
				_ = s.conn.CloseNow() // it does not read at all
				return
			case began > 0 && took > s.api.opts.Slow:
				s.slow.Store(true)
			case began == 0 && s.slow.Load():
				s.close(websocket.StatusTryAgainLater, "the client reads too slowly: follow again from the last id")
				return
			case began == 0 && now.Sub(pinged) >= s.api.opts.Ping:
				pinged = now
				if !s.ping() {
					_ = s.conn.CloseNow() // it does not answer
					return
				}
			}
		}
	}
}

// ping reports whether the client has answered.
func (s *socket) ping() bool {
	ctx, cancel := context.WithTimeout(s.ctx, s.api.opts.Slow)
	defer cancel()
	return s.conn.Ping(ctx) == nil
}
