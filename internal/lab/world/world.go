package world

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

	"chat/daemon/model/modeltest"
	"chat/internal/services"
)

// Secrets of every world. No text that chat shows or logs may contain one.
const (
	Bearer      = "chat_lab_0123456789abcdef0123456789"
	ProviderKey = "sk-lab-do-not-tell-anybody-0001"
)

// DefaultLease is the lease of a world unless its row sets another: short, so that runs are
// short, and long enough for a machine that runs several worlds.
const DefaultLease = 4 * time.Second

// Drain is how long a worker continues after SIGTERM.
const Drain = time.Second

// LeaseNote is the text before the results about what differs from production.
const LeaseNote = "leases are 4 s here, not 15 s; everything else is as by default unless a row says so"

// World is the set of processes of one run.
type World struct {
	Profile Profile
	Lease   time.Duration
	Env     []string // of every chatd; Setup may add
	APIs    int      // processes; in the embedded profile there is one for all
	Workers int

	Redis     *Redis                   // nil in the embedded profile
	Postgres  *services.PostgresServer // nil in the embedded profile
	Provider  *modeltest.Server
	API       []*Node
	Worker    []*Node // in the embedded profile the same process as API
	Chance    Chance  // the fault's
	RedisKind RedisKind
	RedisArgs []string // of each redis-server, besides the usual ones
	Pool      []string // settings of a PgBouncer before PostgreSQL; nil: none
	Standby   *Standby // of PostgreSQL; nil: none
	Clocks    bool     // of all processes can be set
	// Later names the processes that start with a later version.
	Later map[string]bool
	// First is more environment for the first start of the processes it names.
	First map[string]string

	Dir      string    // of this run
	Mount    string    // where to mount a small disk; "": nowhere
	Balancer *Balancer // between the clients and the APIs; nil: none
	Programs Programs
	// OnEnd is called when a process ends, with the time at which it was asked to
	// end; zero if it was not.
	OnEnd func(asked time.Time)

	before   string // host:port of the balancer
	faketime faketime
	edges    *edges
	pool     *services.PgBouncer
	backend  *httptest.Server
	log      *os.File
	closers  []func() error
}

// Programs are the paths of the programs that Build and BuildLater built.
type Programs struct {
	Chatd string
	Later string // of a later version; "" if no process is
}

// New describes a world in the directory dir; Start starts it.
func New(p Profile, dir string, programs Programs, seed uint64) *World {
	return &World{
		Profile: p, Lease: DefaultLease, APIs: 2, Workers: 2, Dir: dir, Programs: programs,
		edges: newEdges(), Chance: Seeded(seed, 1),
	}
}

// Start starts the services and all processes.
func (w *World) Start(ctx context.Context) (err error) {
	if w.log, err = os.Create(filepath.Join(w.Dir, "chatd.log")); err != nil {
		return err
	}
	w.closers = append(w.closers, w.log.Close)
	w.Provider = modeltest.NewServer()
	w.backend = httptest.NewServer(w.Provider)
	w.closers = append(w.closers, func() error {
		w.Provider.Close()
		w.backend.CloseClientConnections()
		w.backend.Close()
		return nil
	}, func() error { w.edges.close(); return nil })
	w.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.Dir, "XDG_RUNTIME_DIR=" + w.Dir, "CHATD_TOKEN=" + Bearer, "CHAT_DISCOVER=off",
		"OPENAI_API_KEY=" + ProviderKey, "CHAT_MODEL=lying", "CHATD_LEASE=" + w.Lease.String(), "CHATD_DRAIN=" + Drain.String(),
	}, w.Env...)
	if w.Mount != "" {
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
	n, err := w.NewNode(ctx, "chatd", true, true)
	if err != nil {
		return err
	}
	w.API, w.Worker = []*Node{n}, []*Node{n}
	return w.begin(ctx, n)
}

func (w *World) startFull(ctx context.Context) (err error) {
	var env []string // of PostgreSQL, besides ours
	if w.Clocks {
		if w.faketime, err = newFaketime(w.Dir); err != nil {
			return err
		}
		env = w.faketime.env()
	}
	if err := w.startRedis(ctx); err != nil {
		return err
	}
	if w.Postgres, err = services.LaunchPostgres(ctx, env...); err != nil {
		return err
	}
	w.closers = append(w.closers, w.Postgres.Remove)
	if err := w.startStandby(ctx); err != nil {
		return err
	}
	if err := w.startPool(ctx); err != nil {
		return err
	}
	if w.Balancer != nil {
		if w.before, err = services.FreeAddress(ctx); err != nil {
			return err
		}
	}
	for i := range w.APIs {
		n, err := w.NewNode(ctx, fmt.Sprintf("api-%d", i+1), true, false)
		if err != nil {
			return err
		}
		w.API = append(w.API, n)
		if err := w.begin(ctx, n); err != nil { // the first one creates the tables
			return err
		}
	}
	if w.Balancer != nil {
		if err := w.Balancer.start(ctx, w, w.before); err != nil {
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
	n, err := w.NewNode(ctx, name, false, true)
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

// NewNode describes a chatd and opens the proxies around it.
func (w *World) NewNode(ctx context.Context, name string, api, worker bool) (*Node, error) {
	n := &Node{Name: name, log: w.log, died: w.OnEnd, cmd: services.Command{Path: w.Programs.Chatd, Dir: w.Dir, Env: w.Env}}
	if w.Later[name] {
		n.cmd.Path = w.Programs.Later
	}
	add := func(s string) { n.cmd.Env = append(n.cmd.Env[:len(n.cmd.Env):len(n.cmd.Env)], s) }
	var err error
	if w.Clocks {
		if n.clock, err = newClock(w.Dir, name); err != nil {
			return nil, err
		}
		add(clockEnv + "=" + n.clock.file)
	}
	if n.Provider, err = w.edges.open(ctx, name+"→provider", w.backend.Listener.Addr().String()); err != nil {
		return nil, err
	}
	add("OPENAI_BASE_URL=http://" + n.Provider.Addr() + "/v1")
	if w.Profile == Full {
		redis, err := w.redisURL(ctx, n)
		if err != nil {
			return nil, err
		}
		add("REDIS_URL=" + redis)
		u, err := url.Parse(w.postgresURL())
		if err != nil {
			return nil, err
		}
		if n.SQL, err = w.edges.open(ctx, name+"→sql", u.Host); err != nil {
			return nil, err
		}
		u.Host = n.SQL.Addr()
		if w.Standby != nil && w.Standby.Hosts {
			second, err := w.edges.open(ctx, name+"→standby", w.Standby.Server.Addr())
			if err != nil {
				return nil, err
			}
			u.Host += "," + second.Addr()
		}
		add("DATABASE_URL=" + u.String())
		role := "api"
		if worker {
			role = "worker"
		}
		n.cmd.Args = append(n.cmd.Args, "--role", role)
	}
	if api {
		if n.Listen, err = services.FreeAddress(ctx); err != nil {
			return nil, err
		}
		n.cmd.Args = append(n.cmd.Args, "--listen", "tcp://"+n.Listen)
		front := n.Listen
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

// AnyAPI picks an API process by chance.
func (w *World) AnyAPI() *Node { return w.API[w.Chance.IntN(len(w.API))] }

// AnyWorker picks a worker process by chance.
func (w *World) AnyWorker() *Node { return w.Worker[w.Chance.IntN(len(w.Worker))] }

// Close ends everything, the last first.
func (w *World) Close() error {
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

// DatabaseURL is the database without a proxy.
func (w *World) DatabaseURL() (driver, dsn string) {
	if w.Profile == Embedded {
		return "sqlite", "file:" + filepath.Join(w.Dir, ".local/share/chat/chat.db") + "?mode=ro&_pragma=busy_timeout(5000)"
	}
	return "postgres", w.Postgres.URL()
}

// HTTPClient returns a client with connections of its own.
func HTTPClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second, DisableCompression: true,
	}}
}

// UniqueName returns a word that no other run has.
func UniqueName() string { return strings.ToLower(rand.Text()[:8]) }

// startPool starts the pooler, if the row has one.
func (w *World) startPool(ctx context.Context) error {
	if w.Pool == nil {
		return nil
	}
	var err error
	if w.pool, err = services.LaunchPgBouncer(ctx, w.Postgres.URL(), w.Pool...); err != nil {
		return err
	}
	w.closers = append(w.closers, w.pool.Remove)
	return nil
}

// postgresURL is the URL of the database for the processes.
func (w *World) postgresURL() string {
	if w.pool != nil {
		return w.pool.URL()
	}
	return w.Postgres.URL()
}

// PoolURL is the URL of the database through the pooler.
func (w *World) PoolURL() string { return w.pool.URL() }
