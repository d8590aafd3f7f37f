//go:build linux

package scale

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"chat/internal/services"
)

const bearer = "chat_bench_0123456789abcdef01234567"

// Kinds of processes, by whose CPU time the runs are reported.
const (
	KindAPI      = "API"
	KindWorker   = "worker"
	KindRedis    = "Redis"
	KindReplica  = "Redis replicas"
	KindPostgres = "PostgreSQL"
	KindLoad     = "provider and readers"
)

// Kinds lists them in the order of the reports.
func Kinds() []string {
	return []string{KindAPI, KindWorker, KindRedis, KindReplica, KindPostgres, KindLoad}
}

// site is a set of running processes.
type site struct {
	dir      string
	provider *provider
	apis     []netip.AddrPort
	pids     map[string][]int // by kind
	client   *http.Client
	closers  []func() error
}

// open starts the processes of a layout: chatd, its Redis or Redis Cluster, and PostgreSQL.
func open(ctx context.Context, chatd string, l Layout) (_ *site, err error) {
	dir, err := os.MkdirTemp("", "chat-scale-")
	if err != nil {
		return nil, err
	}
	s := &site{
		dir: dir, pids: map[string][]int{KindLoad: {os.Getpid()}},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: time.Minute},
	}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	if err := s.start(ctx, chatd, l); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", l, err), s.close())
	}
	return s, nil
}

func (s *site) close() error {
	s.client.CloseIdleConnections()
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

func (s *site) start(ctx context.Context, chatd string, l Layout) (err error) {
	if s.provider, err = startProvider(ctx); err != nil {
		return err
	}
	s.closers = append(s.closers, s.provider.close)
	redisURL, err := s.startRedis(ctx, l.Cluster)
	if err != nil {
		return err
	}
	postgres, err := services.LaunchPostgres(ctx)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, postgres.Remove)
	s.pids[KindPostgres] = []int{postgres.Pid()}
	// All settings are defaults except the number of answers at the same time, which the
	// loads exceed.
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.dir, "CHATD_TOKEN=" + bearer, "CHAT_DISCOVER=off",
		"OPENAI_API_KEY=k", "OPENAI_BASE_URL=" + s.provider.url, "CHAT_MODEL=bench", "CHATD_CONCURRENCY=8192", "CHATD_LOG_LEVEL=warn",
		"CHATD_TOKEN_TIMEOUT=10m", "REDIS_URL=" + redisURL, "DATABASE_URL=" + postgres.URL(),
	}
	for i := range l.APIs {
		address, err := services.FreeAddress(ctx)
		if err != nil {
			return err
		}
		p, err := s.launch(services.Command{Path: chatd, Args: []string{"--role", "api", "--listen", "tcp://" + address}, Env: env, Dir: s.dir}, KindAPI, i)
		if err != nil {
			return err
		}
		if err := p.Ready(ctx, func(ctx context.Context) error {
			c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return c.Close()
		}); err != nil {
			return err
		}
		s.apis = append(s.apis, netip.MustParseAddrPort(address))
	}
	for i := range l.Workers {
		if _, err := s.launch(services.Command{Path: chatd, Args: []string{"--role", "worker"}, Env: env, Dir: s.dir}, KindWorker, i); err != nil {
			return err
		}
	}
	return s.awaitWorkers(ctx, l.Workers)
}

func (s *site) startRedis(ctx context.Context, cluster bool) (url string, err error) {
	if !cluster {
		server, err := services.LaunchRedis(ctx, s.dir)
		if err != nil {
			return "", err
		}
		s.closers = append(s.closers, server.Kill)
		s.pids[KindRedis] = []int{server.Pid()}
		return server.URL(), nil
	}
	const masters = 3
	c, err := services.LaunchRedisCluster(ctx, s.dir, masters, nil)
	if err != nil {
		return "", err
	}
	s.closers = append(s.closers, c.Kill)
	for i, n := range c.Nodes {
		kind := KindRedis
		if i >= masters {
			kind = KindReplica
		}
		s.pids[kind] = append(s.pids[kind], n.Pid())
	}
	return c.URL(), nil
}

func (s *site) launch(c services.Command, kind string, i int) (*services.Process, error) {
	log, err := os.Create(filepath.Join(s.dir, kind+strconv.Itoa(i)+".log"))
	if err != nil {
		return nil, err
	}
	c.Log = log
	p, err := c.Start()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s.pids[kind] = append(s.pids[kind], p.Pid())
	s.closers = append(s.closers, func() error { return errors.Join(p.Stop(syscall.SIGKILL), log.Close()) })
	return p, nil
}

// awaitWorkers waits until n workers have reported themselves.
func (s *site) awaitWorkers(ctx context.Context, n int) error {
	for {
		var overview struct {
			Workers []json.RawMessage `json:"workers"`
		}
		if err := s.call(ctx, http.MethodGet, s.apis[0], "/workers", nil, &overview); err != nil {
			return err
		}
		if len(overview.Workers) >= n {
			return nil
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%d of %d workers are there: %w", len(overview.Workers), n, err)
		}
	}
}

// submit sends a message in a new conversation and returns the id of its task.
func (s *site) submit(ctx context.Context, api netip.AddrPort) (string, error) {
	var accepted struct {
		TaskID string `json:"task_id"`
	}
	err := s.call(ctx, http.MethodPost, api, "/messages", map[string]string{"content": "How long does a token take?"}, &accepted)
	return accepted.TaskID, err
}

func (s *site) call(ctx context.Context, method string, api netip.AddrPort, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+api.String()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, text)
	}
	return json.Unmarshal(text, out)
}
