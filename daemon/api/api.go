// Package api serves the HTTP API of docs/protocol.md from SQL and the chunk log. It runs
// no tasks and keeps no state of them, so any number of instances can serve the same tasks.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"chat"
	"chat/daemon/api/aisdk"
	"chat/daemon/api/openai"
	"chat/daemon/api/socket"
	"chat/daemon/api/web"
	"chat/daemon/api/ws"
	"chat/daemon/follow"
	"chat/internal/report"
	"chat/internal/transcript"
)

// Conversations is the part of the store for conversations.
type Conversations interface {
	CreateConversationOnce(ctx context.Context, owner string, c chat.Conversation, o chat.SubmitOptions) (chat.Conversation, bool, error)
	Conversation(ctx context.Context, owner, id string) (chat.Conversation, error)
	Conversations(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Conversation, string, error)
	Search(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Match, string, error)
	UpdateConversation(ctx context.Context, owner, id string, p chat.ConversationPatch) (chat.Conversation, error)
	DeleteConversation(ctx context.Context, owner, id string) (cancelled []string, err error)
	Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error)
	Import(ctx context.Context, owner string, t transcript.Transcript, dry bool) (transcript.Imported, error)
	Fork(ctx context.Context, owner, conversationID, messageID, title string, o chat.SubmitOptions) (chat.Conversation, bool, error)
}

// Attachments is the part of the store for images and files.
type Attachments interface {
	PutAttachment(ctx context.Context, owner string, a chat.Attachment) (created bool, err error)
	Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error)
}

// Documents reads PDFs; *pdf.Reader satisfies it.
type Documents interface {
	// Read returns the attachment, a PDF, with its pages and its text.
	Read(ctx context.Context, a chat.Attachment) (chat.Attachment, error)
}

// Tasks is the part of the store for tasks.
type Tasks interface {
	Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error)
	Regenerate(ctx context.Context, owner, messageID string, r chat.Regeneration, o chat.SubmitOptions) (chat.Accepted, bool, error)
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Tasks(ctx context.Context, owner string, q chat.TaskQuery) ([]chat.Task, error)
	Cancel(ctx context.Context, owner, id string) (chat.Task, bool, error)
	Answer(ctx context.Context, owner, taskID string) (chat.Message, error)
	KeyKnown(ctx context.Context, owner, key string) (bool, error)
	ChunkLog(ctx context.Context, owner, taskID string) ([]byte, error)
	SetOrigin(ctx context.Context, owner, taskID, origin string) error
}

// Status is the part of the store for health checks and statistics.
type Status interface {
	Ping(ctx context.Context) error
	Engine() string
	QueueDepths(ctx context.Context) (map[chat.Priority]int, int, error)
	Workers(ctx context.Context) ([]chat.Worker, error)
	Running(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error)
	Failures(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error)
	Usage(ctx context.Context, owner string, since time.Time) ([]chat.ModelUsage, error)
}

// Store is the SQL database; *sql.Store satisfies it.
type Store interface {
	Conversations
	Attachments
	Tasks
	Status
}

// Log opens tails and publishes events; the daemon adapts *chunklog.Log to it.
type Log interface {
	follow.Log
	Publish(ctx context.Context, e chat.TaskEvent) error
	Tails() int
	// Stats returns the statistics of the logs of tasks, by task id.
	Stats(ctx context.Context, taskIDs []string) (map[string]LogStats, error)
	// State is the state of Redis: "ok", "down", or a short description of a problem.
	State(ctx context.Context) string
}

// LogStats describes a chunk log: the number of chunks, the time until it expires, and the
// model that answers.
type LogStats struct {
	Chunks int
	TTL    time.Duration
	Model  string
}

// Notifier wakes a worker, and reports statistics of Redis; *wakeup.Lists satisfies it.
type Notifier interface {
	Notify(ctx context.Context, p chat.Priority, taskID string) error
	Statistics(ctx context.Context) (report.MemoryStats, error)
}

// Provider lists models and holds, in memory, the credentials that came with a
// request, until the task has ended.
type Provider interface {
	// CheckModel returns an error if the provider's list lacks the model.
	CheckModel(ctx context.Context, model string, own Credentials) error
	// CheckCredentials returns an error if a base URL or a kind cannot be used.
	CheckCredentials(own Credentials) error
	// Configured reports whether the credentials are the server's own provider.
	Configured(own Credentials) bool
	// Models lists the models that can be named. notice says why a provider's are missing
	// from a list that has others; it is nil if there is an error or nothing is missing.
	Models(ctx context.Context, own Credentials) (list []chat.Model, notice *chat.Error, err error)
	DefaultModel(own Credentials) string
	// Abandon ends the answer of an earlier attempt at a task that is cancelled before its
	// next one, if the provider still makes it.
	Abandon(ctx context.Context, t chat.Task)
	PutCredentials(taskID string, own Credentials)
	ForgetCredentials(taskID string)
}

// Options are the settings of a Server; zero values mean the defaults.
type Options struct {
	Instance     string
	Version      string
	PID          int
	Protocol     [2]int   // the lowest and the highest version served
	AllowHosts   []string // besides localhost, for TCP
	AllowOrigins []string
	// Authenticate maps a bearer token to its owner; nil refuses all of TCP.
	Authenticate func(token string) (owner string, ok bool)
	// SessionKey returns a secret that changes with the token; it signs the sessions of
	// browsers. Nil, or a result of nil, means that there are none.
	SessionKey func() []byte
	// ListenWeb makes a local daemon listen for browsers on an IP address of this machine, by
	// default 127.0.0.1, and returns host:port. Nil unless the daemon is local.
	ListenWeb func(ctx context.Context, address string) (string, error)
	Documents Documents
	// Worker is the id of the worker in this process, the only one that can use the
	// credentials that clients send; "" if there is none.
	Worker  string
	Lengths Lengths
	// Shutdown ends the daemon: immediately if now is set, otherwise when it is idle. Nil
	// unless the daemon is local.
	Shutdown func(now bool)

	Heartbeat    time.Duration // 15 s
	Recheck      time.Duration // chat.StateRecheck
	WriteTimeout time.Duration // of one write to a reader; 30 s
	ReadTimeout  time.Duration // of the body of a request; 30 s
	StoreTimeout time.Duration // of a call for SQL; 15 s
	MaxBody      int64         // 1 MiB; attachments and imports have other limits
	MaxStreams   int           // open streams; 20,000
	SocketLife   time.Duration // of a WebSocket at /v1/responses; an hour
	AccessLog    bool          // a line for each request
	Logger       *slog.Logger
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Heartbeat, 15*time.Second)
	def(&o.Recheck, chat.StateRecheck)
	def(&o.WriteTimeout, 30*time.Second)
	def(&o.StoreTimeout, 15*time.Second)
	def(&o.ReadTimeout, 30*time.Second)
	if o.MaxBody <= 0 {
		o.MaxBody = 1 << 20
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = 20_000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Server answers the calls of the protocol.
type Server struct {
	store    Store
	log      Log
	notifier Notifier
	provider Provider
	opts     Options
	activity *Activity
	draining context.Context //nolint:containedctx // the server's life, not a request's
	drain    context.CancelFunc
	leaving  atomic.Bool

	streams   sync.WaitGroup
	open      atomic.Int64 // streams; at most Options.MaxStreams
	follower  *follow.Source
	importing chan struct{} // a semaphore of maxImports
	refused   refusals
	sessions  *web.Sessions
	web       *web.API
}

// New returns a Server that serves until ctx ends or Drain is called.
func New(ctx context.Context, s Store, l Log, n Notifier, p Provider, o Options) *Server {
	srv := &Server{store: s, log: l, notifier: n, provider: p, opts: o.withDefaults(), activity: NewActivity(), importing: make(chan struct{}, maxImports)}
	srv.draining, srv.drain = context.WithCancel(ctx)
	srv.follower = follow.New(srv.draining, s, l, follow.Options{Refresh: srv.opts.Recheck, Idle: srv.opts.Heartbeat, Logger: srv.opts.Logger}) //nolint:contextcheck // it is made of ctx
	srv.sessions = &web.Sessions{Key: o.SessionKey}
	srv.web = web.New(backend{srv}, web.Options{Sessions: srv.sessions, Local: isLocal, Listen: o.ListenWeb})
	return srv
}

// Activity returns the count of the requests being served.
func (s *Server) Activity() *Activity { return s.activity }

// Leave makes hello and readyz report that the server is draining, so that load balancers
// and new clients choose another one. The server still serves requests.
func (s *Server) Leave() { s.leaving.Store(true) }

// Drain aborts all streams, so that their readers reconnect to another instance or to the
// next daemon. A clean end would look like success.
func (s *Server) Drain() { s.drain() }

// Wait waits until all streams have ended, or until ctx ends. Call it after
// http.Server.Shutdown, which waits for requests but not for streams.
func (s *Server) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		s.streams.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Handler returns the routes inside the layers, outermost first: access log, deadlines,
// panics, Host and Origin, token, request count.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.routes(mux)
	return s.withID(s.withDeadlines(s.recoverPanics(s.checkOrigin(s.authenticate(s.countRequests(notFound(mux)))))))
}

func (s *Server) routes(mux *http.ServeMux) {
	usual := limits{s.opts.MaxBody, s.opts.StoreTimeout}
	// JSON may write each byte of a text as six.
	submission := limits{s.opts.MaxBody + 5*chat.MaxText, s.opts.StoreTimeout}
	mux.Handle("GET /hello", s.handle(s.hello, usual))
	mux.Handle("GET /healthz", s.handle(s.healthz, usual))
	mux.Handle("GET /readyz", s.handle(s.readyz, usual))
	mux.Handle("GET /models", s.handle(s.models, limits{body: s.opts.MaxBody}))
	mux.Handle("GET /workers", s.handle(s.workers, usual))
	mux.Handle("GET /usage", s.handle(s.usage, usual))
	mux.Handle("GET /stats", s.handle(s.stats, usual))
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.Handle("POST /shutdown", s.handle(s.shutdown, usual))

	mux.Handle("GET /search", s.handle(s.search, usual))
	mux.Handle("POST /conversations", s.handle(s.createConversation, usual))
	mux.Handle("GET /conversations", s.handle(s.listConversations, usual))
	mux.Handle("GET /conversations/{id}", s.handle(s.getConversation, usual))
	mux.Handle("PATCH /conversations/{id}", s.handle(s.updateConversation, usual))
	mux.Handle("DELETE /conversations/{id}", s.handle(s.deleteConversation, usual))
	mux.Handle("POST /conversations/import", s.handle(s.importConversation, limits{chat.MaxTranscript, importTimeout}))
	mux.Handle("POST /conversations/{id}/fork", s.handle(s.forkConversation, usual))
	mux.Handle("GET /conversations/{id}/context", s.handle(s.contextUse, usual))
	mux.Handle("POST /conversations/{id}/compact", s.handle(s.compact, usual))
	mux.Handle("DELETE /conversations/{id}/compact", s.handle(s.undoCompact, usual))
	mux.Handle("GET /conversations/{id}/messages", s.handle(s.listMessages, usual))
	mux.Handle("POST /conversations/{id}/messages", s.handle(s.submit, submission))
	mux.Handle("POST /messages", s.handle(s.submit, submission))
	mux.Handle("POST /messages/{id}/regenerate", s.handle(s.regenerate, usual))
	mux.Handle("POST /messages/{id}/continue", s.handle(s.continueAnswer, usual))

	mux.Handle("POST /attachments", s.handle(s.upload, limits{chat.MaxDocument, uploadTimeout}))
	mux.Handle("GET /attachments/{digest}", s.handle(s.download, usual))

	mux.Handle("GET /tasks", s.handle(s.listTasks, usual))
	mux.Handle("GET /tasks/{id}", s.handle(s.getTask, usual))
	mux.Handle("GET /tasks/{id}/sent", s.handle(s.sent, usual))
	mux.Handle("POST /tasks/{id}/cancel", s.handle(s.cancel, usual))
	mux.HandleFunc("GET /stream/{task_id}", s.stream)
	sockets := socket.Options{Ping: s.opts.Heartbeat, Slow: s.opts.WriteTimeout, MaxMessage: submission.body}
	openai.New(backend{s}, openai.Options{Socket: sockets, SocketLife: s.opts.SocketLife}).Routes(mux)
	aisdk.New(backend{s}).Routes(mux)
	s.web.Routes(mux)
	mux.Handle("GET "+socketPath, ws.New(backend{s}, ws.Options{Options: sockets, Instance: s.opts.Instance}))
}
