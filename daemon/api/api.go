// Package api is the HTTP and SSE face of the daemon: the calls of
// docs/protocol.md over SQL and the chunk log. It makes no answers itself, so
// any number of instances serve the same tasks, and none of them matters.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"chat"
	"chat/daemon/follow"
)

// Conversations is what the API needs of SQL for conversations.
type Conversations interface {
	CreateConversationOnce(ctx context.Context, owner string, c chat.Conversation, o chat.SubmitOptions) (chat.Conversation, bool, error)
	Conversation(ctx context.Context, owner, id string) (chat.Conversation, error)
	Conversations(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Conversation, string, error)
	Search(ctx context.Context, owner string, q chat.ConversationQuery) ([]chat.Match, string, error)
	UpdateConversation(ctx context.Context, owner, id string, p chat.ConversationPatch) (chat.Conversation, error)
	DeleteConversation(ctx context.Context, owner, id string) (cancelled []string, err error)
	Messages(ctx context.Context, owner, conversationID string) ([]chat.Message, error)
	Import(ctx context.Context, owner string, t chat.Transcript, dry bool) (chat.Imported, error)
	Fork(ctx context.Context, owner, conversationID, messageID, title string, o chat.SubmitOptions) (chat.Conversation, bool, error)
}

// Tasks is what the API needs of SQL for tasks.
type Tasks interface {
	Submit(ctx context.Context, owner string, sub chat.Submission, o chat.SubmitOptions) (chat.Accepted, bool, error)
	Regenerate(ctx context.Context, owner, messageID, model string, p chat.Priority, o chat.SubmitOptions) (chat.Accepted, bool, error)
	Task(ctx context.Context, owner, id string) (chat.Task, error)
	Tasks(ctx context.Context, owner string, q chat.TaskQuery) ([]chat.Task, error)
	Cancel(ctx context.Context, owner, id string) (chat.Task, bool, error)
	Answer(ctx context.Context, owner, taskID string) (chat.Message, error)
	KeyKnown(ctx context.Context, owner, key string) (bool, error)
}

// Status is what the API needs of SQL to tell how things stand.
type Status interface {
	Ping(ctx context.Context) error
	Engine() string
	QueueDepths(ctx context.Context) (map[chat.Priority]int, int, error)
	Workers(ctx context.Context) ([]chat.Worker, error)
	Running(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error)
	Failures(ctx context.Context, owner string, most int) ([]chat.TaskWithTitle, error)
	Usage(ctx context.Context, owner string, since time.Time) ([]chat.ModelUsage, error)
}

// Store is all that the API needs of SQL; *sql.Store satisfies it.
type Store interface {
	Conversations
	Tasks
	Status
}

// Log opens tails and sends hints; the daemon adapts *chunklog.Log to it.
type Log interface {
	follow.Log
	Hint(ctx context.Context, kind, taskID string) error
	Followers() int
	// State says whether Redis does what is needed of it: "ok", "down" or a short
	// sentence.
	State(ctx context.Context) string
}

// Notifier wakes a worker, and reports statistics of Redis; *wakeup.Lists satisfies it.
type Notifier interface {
	Notify(ctx context.Context, p chat.Priority, taskID string) error
	Statistics(ctx context.Context) (chat.RedisStats, error)
	LogStatistics(ctx context.Context, taskIDs []string) (map[string]chat.LogStats, error)
}

// Provider lists models and holds, in memory, the credentials that came with a
// request, until the task has ended.
type Provider interface {
	// CheckModel refuses a model that the provider is known not to have.
	CheckModel(ctx context.Context, model, key, baseURL string) error
	// CheckBaseURL says what is wrong with a base URL.
	CheckBaseURL(baseURL string) error
	// Configured reports whether the credentials are the server's own provider.
	Configured(key, baseURL string) bool
	Models(ctx context.Context, key, baseURL string) ([]chat.Model, error)
	DefaultModel(key, baseURL string) string
	Remember(taskID, key, baseURL string)
	Forget(taskID string)
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
	// Worker is the id of the worker in this process, which alone can use the
	// providers that clients send along; "" if there is none.
	Worker string
	// Shutdown ends the daemon: at once, or when it is idle. Nil where there is
	// no local daemon to end.
	Shutdown func(now bool)

	Heartbeat    time.Duration // 15 s
	Recheck      time.Duration // chat.StateRecheck
	WriteTimeout time.Duration // of one write to a reader; 30 s
	ReadTimeout  time.Duration // of the body of a request; 30 s
	StoreTimeout time.Duration // of a call for SQL; 15 s
	MaxBody      int64         // 1 MiB; the images of a message may come on top
	MaxStreams   int           // followers at once; 20,000
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
	follower  *follow.Follower
	importing chan struct{} // holds one of maxImports places
	refused   refusals
}

// New returns a Server that serves until ctx ends or Drain is called.
func New(ctx context.Context, s Store, l Log, n Notifier, p Provider, o Options) *Server {
	srv := &Server{store: s, log: l, notifier: n, provider: p, opts: o.withDefaults(), activity: NewActivity(), importing: make(chan struct{}, maxImports)}
	srv.draining, srv.drain = context.WithCancel(ctx)
	srv.follower = follow.New(srv.draining, s, l, follow.Options{Refresh: srv.opts.Recheck, Idle: srv.opts.Heartbeat, Logger: srv.opts.Logger}) //nolint:contextcheck // it is made of ctx
	return srv
}

// Activity tells whether anyone uses the server.
func (s *Server) Activity() *Activity { return s.activity }

// Leave says in hello and readyz that the server is going away, while it still
// serves: balancers and new clients look elsewhere.
func (s *Server) Leave() { s.leaving.Store(true) }

// Drain aborts all streams, so that their readers come back to another
// instance, or to the next one here; a clean end would look like success.
func (s *Server) Drain() { s.drain() }

// Wait waits until all streams have ended, or ctx. No request may be under way:
// http.Server.Shutdown sees to that, but does not know of streams.
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

// Handler returns the calls behind the layers that guard them, outermost first:
// the access log, time, panics, Host and Origin, the token, admission.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	s.routes(mux)
	return s.withID(s.withDeadlines(s.recoverPanics(s.checkOrigin(s.authenticated(s.countRequests(notFound(mux)))))))
}

func (s *Server) routes(mux *http.ServeMux) {
	usual := limits{s.opts.MaxBody, s.opts.StoreTimeout}
	submission := limits{s.opts.MaxBody + encodedImages, s.opts.StoreTimeout}
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
	mux.Handle("GET /conversations/{id}/messages", s.handle(s.listMessages, usual))
	mux.Handle("POST /conversations/{id}/messages", s.handle(s.submit, submission))
	mux.Handle("POST /messages", s.handle(s.submit, submission))
	mux.Handle("POST /messages/{id}/regenerate", s.handle(s.regenerate, usual))

	mux.Handle("GET /tasks", s.handle(s.listTasks, usual))
	mux.Handle("GET /tasks/{id}", s.handle(s.getTask, usual))
	mux.Handle("POST /tasks/{id}/cancel", s.handle(s.cancel, usual))
	mux.HandleFunc("GET /stream/{task_id}", s.stream)
}
