package lab

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/daemon/provider/providertest"
	"chat/internal/services"
)

// Secrets of every world; no text that chat shows or logs may hold one.
const (
	bearer      = "chat_lab_0123456789abcdef0123456789"
	providerKey = "sk-lab-do-not-tell-anybody-0001"
)

// labLease is the lease of every world whose row does not say otherwise: short,
// so that runs are, and long enough for a machine that runs several worlds.
const labLease = 4 * time.Second

// labDrain is how long a worker that is asked to end goes on.
const labDrain = time.Second

// LeaseNote says so, in front of results.
const LeaseNote = "leases are 4 s here, not 15 s; everything else is as by default unless a row says so"

// World is everything that one run needs, and what a fault can act on.
type World struct {
	Profile Profile
	Lease   time.Duration
	Env     []string // of every chatd; Setup may add
	APIs    int      // processes; in the embedded profile there is one for all
	Workers int

	Redis     *services.RedisServer    // nil in the embedded profile
	Postgres  *services.PostgresServer // nil in the embedded profile
	Provider  *providertest.Server
	API       []*Node
	Worker    []*Node  // in the embedded profile the same process as API
	Chance    chance   // the fault's
	RedisArgs []string // of the redis-server, besides the usual ones
	Pool      []string // settings of a PgBouncer before PostgreSQL; nil: none
	Clocks    bool     // of all processes can be set
	// Later names the processes that begin with a later version; see mixed.
	Later map[string]bool
	// First is more environment for the first start of the processes it names.
	First map[string]string

	dir   string
	mount string // where to mount a small disk

	balancer   *balancer // between the clients and the APIs; nil: none
	before     string    // host:port of the balancer
	chatd      string
	chatdLater string // of a later version
	faketime   faketime
	edges      *edges
	pool       *services.PgBouncer
	backend    *httptest.Server
	rdb        *redis.Client
	log        *os.File
	closers    []func() error
	history    *History
}

// newWorld describes a world; start brings it to life.
func newWorld(p Profile, dir string, cfg Config, seed uint64) *World {
	return &World{
		Profile: p, Lease: labLease, APIs: 2, Workers: 2, dir: dir, chatd: cfg.Chatd, chatdLater: cfg.Later,
		edges: newEdges(), Chance: seeded(seed, 1),
	}
}

func (w *World) start(ctx context.Context) (err error) {
	if w.log, err = os.Create(filepath.Join(w.dir, "chatd.log")); err != nil {
		return err
	}
	w.closers = append(w.closers, w.log.Close)
	w.Provider = providertest.NewServer()
	w.backend = httptest.NewServer(w.Provider)
	w.closers = append(w.closers, func() error {
		w.Provider.Close()
		w.backend.CloseClientConnections()
		w.backend.Close()
		return nil
	}, func() error { w.edges.close(); return nil })
	w.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "XDG_RUNTIME_DIR=" + w.dir, "CHATD_TOKEN=" + bearer, "CHAT_DISCOVER=off",
		"OPENAI_API_KEY=" + providerKey, "CHAT_MODEL=lying", "CHATD_LEASE=" + w.Lease.String(), "CHATD_DRAIN=" + labDrain.String(),
	}, w.Env...)
	if w.mount != "" {
		if err := w.mountDisk(); err != nil {
			return err
		}
	}
	if w.Profile == Embedded {
		return w.startEmbedded(ctx)
	}
	return w.startFull(ctx)
}

func (w *World) startEmbedded(ctx context.Context) error {
	n, err := w.node(ctx, "chatd", true, true)
	if err != nil {
		return err
	}
	w.API, w.Worker = []*Node{n}, []*Node{n}
	return w.begin(ctx, n)
}

func (w *World) startFull(ctx context.Context) (err error) {
	var env []string // of PostgreSQL, besides ours
	if w.Clocks {
		if w.faketime, err = newFaketime(w.dir); err != nil {
			return err
		}
		env = w.faketime.env()
	}
	if w.Redis, err = services.LaunchRedis(ctx, w.dir, w.RedisArgs...); err != nil {
		return err
	}
	w.closers = append(w.closers, w.Redis.Kill)
	if w.Postgres, err = services.LaunchPostgres(ctx, env...); err != nil {
		return err
	}
	w.closers = append(w.closers, w.Postgres.Remove)
	if err := w.startPool(ctx); err != nil {
		return err
	}
	o := w.Redis.Options()
	o.MaxRetries, o.ContextTimeoutEnabled = -1, true
	w.rdb = redis.NewClient(o)
	w.closers = append(w.closers, w.rdb.Close)
	if w.balancer != nil {
		if w.before, err = services.FreeAddress(ctx); err != nil {
			return err
		}
	}
	for i := range w.APIs {
		n, err := w.node(ctx, fmt.Sprintf("api-%d", i+1), true, false)
		if err != nil {
			return err
		}
		w.API = append(w.API, n)
		if err := w.begin(ctx, n); err != nil { // the first one makes the tables
			return err
		}
	}
	if w.balancer != nil {
		if err := w.balancer.start(ctx, w, w.before); err != nil {
			return err
		}
	}
	for i := range w.Workers {
		if _, err := w.AddWorker(ctx, fmt.Sprintf("worker-%d", i+1)); err != nil {
			return err
		}
	}
	return nil
}

// AddWorker starts one more worker process.
func (w *World) AddWorker(ctx context.Context, name string) (*Node, error) {
	n, err := w.node(ctx, name, false, true)
	if err != nil {
		return nil, err
	}
	w.Worker = append(w.Worker, n)
	return n, w.begin(ctx, n)
}

// begin starts a process for the first time.
func (w *World) begin(ctx context.Context, n *Node) error {
	if env := w.First[n.Name]; env != "" {
		return n.Start(ctx, env)
	}
	return n.Start(ctx)
}

// node describes a chatd and opens the proxies around it.
func (w *World) node(ctx context.Context, name string, api, worker bool) (*Node, error) {
	n := &Node{Name: name, log: w.log, died: w.history.died, cmd: services.Command{Path: w.chatd, Dir: w.dir, Env: w.Env}}
	if w.Later[name] {
		n.cmd.Path = w.chatdLater
	}
	add := func(s string) { n.cmd.Env = append(n.cmd.Env[:len(n.cmd.Env):len(n.cmd.Env)], s) }
	var err error
	if w.Clocks {
		if n.clock, err = newClock(w.dir, name); err != nil {
			return nil, err
		}
		add(clockEnv + "=" + n.clock.file)
	}
	if n.Provider, err = w.edges.open(ctx, name+"→provider", w.backend.Listener.Addr().String()); err != nil {
		return nil, err
	}
	add("OPENAI_BASE_URL=http://" + n.Provider.Addr() + "/v1")
	if w.Profile == Full {
		if n.Redis, err = w.edges.open(ctx, name+"→redis", w.Redis.Addr()); err != nil {
			return nil, err
		}
		add("REDIS_URL=redis://" + n.Redis.Addr() + "/0")
		u, err := url.Parse(w.postgresURL())
		if err != nil {
			return nil, err
		}
		if n.SQL, err = w.edges.open(ctx, name+"→sql", u.Host); err != nil {
			return nil, err
		}
		u.Host = n.SQL.Addr()
		add("DATABASE_URL=" + u.String())
		role := "api"
		if worker {
			role = "worker"
		}
		n.cmd.Args = append(n.cmd.Args, "--role", role)
	}
	if api {
		if n.listen, err = services.FreeAddress(ctx); err != nil {
			return nil, err
		}
		n.cmd.Args = append(n.cmd.Args, "--listen", "tcp://"+n.listen)
		front := n.listen
		if w.before != "" {
			front = w.before
		}
		if n.Front, err = w.edges.open(ctx, "client→"+name, front); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// Nodes are all chatd processes, each once.
func (w *World) Nodes() []*Node {
	if w.Profile == Embedded {
		return w.API
	}
	return append(append([]*Node(nil), w.API...), w.Worker...)
}

// AnyAPI and AnyWorker pick one by chance.
func (w *World) AnyAPI() *Node { return w.API[w.Chance.IntN(len(w.API))] }

// AnyWorker picks a worker process by chance.
func (w *World) AnyWorker() *Node { return w.Worker[w.Chance.IntN(len(w.Worker))] }

// close ends everything, last first.
func (w *World) close() error {
	var errs []error
	for _, n := range w.Nodes() {
		if n.proc != nil {
			errs = append(errs, n.Kill())
		}
	}
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i]())
	}
	return errors.Join(errs...)
}

// databaseURL is the database without a proxy, for the judge.
func (w *World) databaseURL() (driver, dsn string) {
	if w.Profile == Embedded {
		return "sqlite", "file:" + filepath.Join(w.dir, ".local/share/chat/chat.db") + "?mode=ro&_pragma=busy_timeout(5000)"
	}
	return "postgres", w.Postgres.URL()
}

// httpClient makes a client with connections of its own.
func httpClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
	}}
}

// name is a word that no other run has.
func name() string { return strings.ToLower(rand.Text()[:8]) }
