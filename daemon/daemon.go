package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/api"
	"chat/daemon/chunklog"
	"chat/daemon/compaction"
	"chat/daemon/model/demo"
	"chat/daemon/model/transport"
	"chat/daemon/pdf"
	"chat/daemon/ratelimit"
	"chat/daemon/redischeck"
	"chat/daemon/redisconn"
	"chat/daemon/wakeup"
	"chat/daemon/worker"
	"chat/sql"
)

// closeTimeout is how long requests may take to end after streams are aborted.
const closeTimeout = 3 * time.Second

// Run runs a daemon until stop is closed or ctx ends. After stop it claims no more tasks,
// gives running answers Config.Drain to finish, and releases the rest to the queue. After
// the end of ctx it does so immediately. Run calls ready when requests are served. It
// returns an error if the daemon cannot start or a part of it fails.
func Run(ctx context.Context, cfg Config, stop <-chan struct{}, ready func()) (err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	redis.SetLogger(redisLog{cfg.Logger})
	d := &daemon{cfg: cfg, log: cfg.Logger, stopping: make(chan struct{})}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.open(ctx); err != nil {
		return err
	}
	return d.serve(ctx, stop, ready)
}

// daemon holds the parts while they run.
type daemon struct {
	cfg   Config
	log   *slog.Logger
	store *sql.Store
	rdb   *redisconn.Client
	chunk *chunklog.Log
	queue *wakeup.Lists
	check *redischeck.Checker
	model *models
	limit *ratelimit.Limiter
	me    chat.Worker // of a role that has a worker
	token bearerToken
	web   webListener

	listeners []net.Listener
	closers   []func() error

	stopOnce      sync.Once
	stopping      chan struct{}
	requestIdle   sync.Once
	idleRequested chan struct{}
}

func (d *daemon) stop() { d.stopOnce.Do(func() { close(d.stopping) }) }

// close closes what open opened, in reverse order.
func (d *daemon) close() error {
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i]())
	}
	return errors.Join(errs...)
}

// open opens the engines and binds the addresses.
func (d *daemon) open(ctx context.Context) error {
	d.idleRequested, d.me = make(chan struct{}), workerInfo(d.cfg)
	if err := d.openStore(ctx); err != nil {
		return err
	}
	if err := d.openRedis(ctx); err != nil {
		return err
	}
	d.limit = ratelimit.New(d.rdb, d.me.ID, d.log)
	registry, err := newRegistry(d.cfg, d.chunk, limiter{d.limit}, d.log)
	if err != nil {
		return err
	}
	d.closers = append(d.closers, func() error { registry.Close(); return nil })
	d.model = newModels(registry, &windows{store: d.store, configured: d.cfg.Windows, log: d.log})
	if d.cfg.Copies {
		d.model.files = d.store
	}
	d.model.titles = titles{off: !d.cfg.Titles, model: d.cfg.TitleModel}
	if d.cfg.Role == RoleWorker {
		return nil
	}
	if d.cfg.Listener != nil {
		d.listeners = append(d.listeners, d.cfg.Listener)
	}
	for _, addr := range d.cfg.Listen {
		l, err := listen(ctx, addr)
		if err != nil {
			return err
		}
		d.listeners = append(d.listeners, l)
		d.closers = append(d.closers, func() error { _ = l.Close(); return nil }) // closed by the server before
	}
	if len(d.listeners) == 0 {
		return chat.Errorf(chat.CodeNotConfigured, "nothing to listen on: --listen unix:///path or tcp://host:port")
	}
	return nil
}

func (d *daemon) openStore(ctx context.Context) error {
	url := d.cfg.DatabaseURL
	if url == "" {
		url = "sqlite://" + filepath.Join(d.cfg.DataDir, "chat.db")
	}
	store, err := sql.Open(ctx, url, sql.Options{MaxOpen: d.cfg.DatabasePool, Lease: d.cfg.Lease, TemporaryLife: d.cfg.Temporary, Logger: d.log})
	if err != nil {
		return err
	}
	d.store = store
	d.closers = append(d.closers, store.Close)
	if !d.cfg.exclusive() {
		return nil
	}
	n, err := store.ReleaseLeases(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		d.log.Info("tasks of a daemon that ended without notice are queued again", "tasks", n)
	}
	return nil
}

// redisPool is the default number of connections to Redis.
const redisPool = 32

func (d *daemon) openRedis(ctx context.Context) error {
	address, err := d.redisAddress()
	if err != nil {
		return err
	}
	d.rdb = address.Open(cmp.Or(d.cfg.RedisPool, redisPool))
	d.closers = append(d.closers, d.rdb.Close)
	asking, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := d.rdb.Identify(asking); err != nil {
		return err
	}
	d.chunk = chunklog.New(d.rdb, chunklog.Options{TTL: d.cfg.ChunkTTL, Logger: d.log})
	d.queue = wakeup.New(d.rdb, 0)
	d.closers = append(d.closers, d.queue.Close)
	d.check = redischeck.New(d.rdb, d.cfg.Instance, d.chunk.Echo, d.log)
	return nil
}

// serve runs the parts and ends them in order: no new work, running answers,
// streams, the shared subscription.
func (d *daemon) serve(ctx context.Context, stop <-chan struct{}, ready func()) error {
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var loops, work sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	loops.Go(func() { d.chunk.Run(background) })
	loops.Go(func() { d.check.Run(background) })
	loops.Go(func() { d.limit.Run(background) })
	sweeper := worker.Sweeper{
		Store: d.store, Log: workerLog{d.chunk}, Queue: d.queue, Model: d.model, Lease: d.cfg.Lease, Grace: d.grace(), Logger: d.log,
	}
	loops.Go(func() { sweeper.Run(background) })

	if d.cfg.Role != RoleAPI {
		w := worker.New(d.store, workerLog{d.chunk}, d.queue, d.model, worker.Options{
			Info: d.me, Concurrency: d.cfg.Concurrency, Deadline: d.cfg.Deadline, Compact: d.cfg.Compact,
			Lease: d.cfg.Lease, Renewal: d.cfg.Lease / 3, Drain: nonZero(d.cfg.Drain), Checkpoint: d.checkpoint(), Logger: d.log,
		})
		d.chunk.OnEvent(func(e chat.TaskEvent) {
			switch e.Type {
			case chat.EventCancel:
				w.Cancel(e.TaskID)
			case chat.EventEnded:
				d.model.ForgetCredentials(e.TaskID)
			case chat.EventCheck:
			}
		})
		loops.Go(func() { d.model.expireUntilDone(background, d.store, d.log) })
		loops.Go(func() { d.model.tidyUntilDone(background) })
		work.Go(func() { w.Run(ctx, d.stopping) })
	}
	var failed error
	served := make(chan error, len(d.listeners))
	var server *http.Server
	var front *api.Server
	if d.cfg.Role != RoleWorker {
		var err error
		if front, server, err = d.front(background); err != nil {
			d.stop()
			work.Wait()
			return err
		}
		for _, l := range d.listeners {
			loops.Go(func() { served <- server.Serve(l) })
		}
		loops.Go(func() { d.watchReloads(background) })
		if d.cfg.Local {
			loops.Go(func() { d.watchIdle(background, front) })
		}
	}
	d.log.Info("ready", "role", d.cfg.Role, "engine", d.store.Engine(), "version", Version)
	ready()

	select {
	case <-ctx.Done():
	case <-stop:
	case <-d.stopping:
	case failed = <-served:
	}
	d.log.Info("stopping")
	if front != nil {
		front.Leave()
	}
	d.stop()
	work.Wait()
	if front != nil {
		front.Activity().Close()
		front.Drain()
		bye, cancel := context.WithTimeout(background, closeTimeout)
		defer cancel()
		if err := server.Shutdown(bye); err != nil {
			d.log.Warn("requests were cut off", "err", errors.Join(err, server.Close()))
		}
		d.web.wait()
		last, cancelLast := context.WithTimeout(background, closeTimeout)
		defer cancelLast()
		if err := front.Wait(last); err != nil {
			d.log.Warn("streams do not end", "err", err)
		}
	}
	if errors.Is(failed, http.ErrServerClosed) {
		failed = nil
	}
	return failed
}

// front makes the API and its HTTP server.
func (d *daemon) front(ctx context.Context) (*api.Server, *http.Server, error) {
	o := api.Options{
		Instance: d.cfg.Instance, Version: Version, PID: os.Getpid(), Protocol: [2]int{ProtocolMin, ProtocolMax},
		AllowHosts: d.cfg.AllowHosts, AllowOrigins: d.cfg.AllowOrigins, MaxStreams: d.cfg.MaxStreams, AccessLog: d.cfg.AccessLog, Logger: d.log,
		Authenticate: d.token.authenticate, SessionKey: d.token.sessionKey, Documents: pdf.New(d.cfg.compiledDir()),
		Lengths: compaction.Service{Store: d.store, Models: d.model},
	}
	if d.cfg.Local {
		o.Shutdown, o.ListenWeb = d.shutdown, d.listenWeb
	}
	if d.cfg.Role != RoleAPI {
		o.Worker = d.me.ID
	}
	for _, l := range d.listeners {
		if l.Addr().Network() != "tcp" {
			continue
		}
		from, err := d.token.open(d.cfg, d.log)
		if err != nil {
			return nil, nil, err
		}
		if host, _, err := net.SplitHostPort(l.Addr().String()); err == nil {
			o.AllowHosts = append(o.AllowHosts, host)
		}
		d.log.Info("listening", "address", "tcp://"+l.Addr().String(), "token", "in "+from)
		if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
			d.log.Warn("this address is served over plain HTTP, without TLS: others on the network can read the token and the messages; put a proxy with TLS in front of it, or listen on 127.0.0.1",
				"address", "tcp://"+l.Addr().String())
		}
	}
	front := api.New(ctx, d.store, apiLog{workerLog{d.chunk}, d.check}, d.queue, d.model, o)
	server := &http.Server{
		Handler: front.Handler(), ConnContext: api.ConnContext,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}
	d.web.serve = server.Serve
	return front, server, nil
}

// shutdown ends a local daemon: now, or as soon as it is idle.
func (d *daemon) shutdown(now bool) {
	if now {
		d.stop()
		return
	}
	d.requestIdle.Do(func() { close(d.idleRequested) })
}

// watchIdle ends a local daemon that was idle for Config.Idle, or as soon as it is idle
// after a request to shut down.
func (d *daemon) watchIdle(ctx context.Context, front *api.Server) {
	idle, requested := d.cfg.Idle, d.idleRequested
	pace := 15 * time.Second
	if idle > 0 {
		pace = max(100*time.Millisecond, min(idle/4, pace))
	}
	every := time.NewTicker(pace)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-requested:
			idle, requested = time.Millisecond, nil
			every.Reset(200 * time.Millisecond)
			continue
		case <-every.C:
		}
		if idle == 0 {
			continue
		}
		if front.Activity().CloseIfIdle(idle, func() bool { return d.noWork(ctx) }) {
			d.log.Info("the daemon is idle: shutting down")
			d.stop()
			return
		}
	}
}

// noWork reports whether no task is queued or running.
func (d *daemon) noWork(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	queued, running, err := d.store.QueueDepths(ctx)
	if err != nil || running > 0 {
		return false
	}
	for _, n := range queued {
		if n > 0 {
			return false
		}
	}
	return true
}

func workerInfo(c Config) chat.Worker {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return chat.Worker{
		ID: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), c.Instance), Host: host, PID: os.Getpid(),
		Version: Version, StartedAt: time.Now().UTC(),
	}
}

// demoOptions sets the demo's pace; 0 means unlimited.
func demoOptions(tokensPerSecond int) demo.Options {
	if tokensPerSecond == 0 {
		return demo.Options{TokensPerSecond: -1}
	}
	return demo.Options{TokensPerSecond: float64(tokensPerSecond)}
}

// limits returns the provider's default limits with those that were set.
func (c Config) limits() transport.Limits {
	l := transport.DefaultLimits()
	l.Headers, l.FirstToken, l.Idle = cmp.Or(c.HeadersWait, l.Headers), cmp.Or(c.TokenWait, l.FirstToken), cmp.Or(c.IdleWait, l.Idle)
	return l
}

// nonZero replaces 0 by the shortest duration, because the worker replaces 0 by its default.
func nonZero(d time.Duration) time.Duration {
	if d == 0 {
		return time.Nanosecond
	}
	return d
}
