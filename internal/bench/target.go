package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"chat/internal/services"
)

// Target is one way to serve streams.
type Target struct {
	Name string
	What string
	open func(context.Context, *Site) error
}

// The names of targets.
const (
	FloorName      = "floor"
	FloorBatchName = "floor-batch"
	ProviderName   = "provider"
)

// Targets lists them; ratios are to floor-batch.
func Targets() []Target {
	return []Target{
		{FloorName, "one round trip to Redis a chunk", floorTarget("-floor")},
		{FloorBatchName, "round trips shared by all streams", floorTarget("-floor-batch")},
		{"chatd", "chatd on Redis and PostgreSQL, API and worker in one process", chatdTarget("all")},
		{"chatd-apart", "API and worker in processes of their own", chatdTarget("api", "worker")},
		{"embedded", "chatd with nothing else: SQLite and the embedded engine", embeddedTarget},
		{ProviderName, "the provider alone, read directly: what the others cannot go beyond", providerTarget},
	}
}

// Programs are the paths of the measured programs.
type Programs struct{ Bench, Chatd string }

// Site is a running target.
type Site struct {
	Target   string
	programs Programs
	provider string // its base URL
	dir      string
	base     string // http://host:port
	bearer   string
	served   []*services.Process // the processes that are measured as the target
	redis    *services.RedisServer
	postgres *services.PostgresServer
	rdb      *redis.Client
	client   *http.Client
	started  time.Duration // from exec until it answered
	closers  []func() error
}

const bearer = "chat_bench_0123456789abcdef01234567"

// Open starts a target.
func (t Target) Open(ctx context.Context, p Programs, provider string) (*Site, error) {
	dir, err := os.MkdirTemp("", "chat-bench-")
	if err != nil {
		return nil, err
	}
	s := &Site{Target: t.Name, programs: p, provider: provider, dir: dir, client: &http.Client{Transport: &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 4096, DisableCompression: true, ReadBufferSize: 4 << 10, WriteBufferSize: 1 << 10,
	}}}
	s.closers = append(s.closers, func() error { return os.RemoveAll(dir) })
	if err := t.open(ctx, s); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", t.Name, err), s.Close())
	}
	return s, nil
}

// Close ends everything, last first.
func (s *Site) Close() error {
	s.client.CloseIdleConnections()
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	return errors.Join(errs...)
}

func (s *Site) logFile(process int) string {
	return filepath.Join(s.dir, fmt.Sprintf("%d.log", process))
}

// launch starts a program that listens on address, if that is not empty, and waits
// until it accepts connections there.
func (s *Site) launch(ctx context.Context, address string, c services.Command) error {
	log, err := os.Create(s.logFile(len(s.served)))
	if err != nil {
		return err
	}
	c.Log, c.Dir = log, s.dir
	began := time.Now()
	p, err := c.Start()
	if err != nil {
		return errors.Join(err, log.Close())
	}
	s.served = append(s.served, p)
	s.closers = append(s.closers, func() error { return errors.Join(p.Stop(syscall.SIGKILL), log.Close()) })
	if address == "" {
		return nil
	}
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			s.started = time.Since(began)
			return conn.Close()
		}
		select {
		case <-p.Ended():
			text, _ := os.ReadFile(log.Name()) // that it ended says enough
			return fmt.Errorf("%s ended immediately: %s", c.Path, text)
		case <-time.After(time.Millisecond):
		}
	}
	return context.Cause(ctx)
}

func (s *Site) launchRedis(ctx context.Context) (err error) {
	if s.redis, err = services.LaunchRedis(ctx, s.dir); err != nil {
		return err
	}
	s.rdb = redis.NewClient(s.redis.Options())
	s.closers = append(s.closers, s.redis.Kill, s.rdb.Close)
	return nil
}

func floorTarget(mode string) func(context.Context, *Site) error {
	return func(ctx context.Context, s *Site) error {
		if err := s.launchRedis(ctx); err != nil {
			return err
		}
		address, err := services.FreeAddress(ctx)
		if err != nil {
			return err
		}
		s.base = "http://" + address
		return s.launch(ctx, address, services.Command{
			Path: s.programs.Bench, Args: []string{mode, "-listen", address, "-redis", s.redis.Addr(), "-provider", s.provider},
		})
	}
}

// providerTarget serves the streams of a provider of its own directly to readers.
func providerTarget(ctx context.Context, s *Site) error {
	address, err := services.FreeAddress(ctx)
	if err != nil {
		return err
	}
	s.base = "http://" + address + "/v1"
	return s.launch(ctx, address, services.Command{Path: s.programs.Bench, Args: []string{"-serve", "-listen", address}})
}

// environment is the environment of every chatd. All settings are defaults except
// the number of concurrent answers, which the loads exceed.
func (s *Site) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_RUNTIME_DIR=" + s.dir, "CHATD_TOKEN=" + bearer, "CHAT_DISCOVER=off",
		"OPENAI_API_KEY=k", "OPENAI_BASE_URL=" + s.provider, "CHAT_MODEL=bench", "CHATD_CONCURRENCY=4096", "CHATD_LOG_LEVEL=warn",
	}
}

func chatdTarget(roles ...string) func(context.Context, *Site) error {
	return func(ctx context.Context, s *Site) (err error) {
		if err := s.launchRedis(ctx); err != nil {
			return err
		}
		if s.postgres, err = services.LaunchPostgres(ctx); err != nil {
			return err
		}
		s.closers = append(s.closers, s.postgres.Remove)
		env := append(s.environment(), "REDIS_URL=redis://"+s.redis.Addr()+"/0", "DATABASE_URL="+s.postgres.URL())
		for _, role := range roles {
			c := services.Command{Path: s.programs.Chatd, Args: []string{"--role", role}, Env: env}
			address := ""
			if role != "worker" {
				if address, err = services.FreeAddress(ctx); err != nil {
					return err
				}
				c.Args = append(c.Args, "--listen", "tcp://"+address)
				s.base, s.bearer = "http://"+address, bearer
			}
			if err := s.launch(ctx, address, c); err != nil {
				return err
			}
		}
		return nil
	}
}

func embeddedTarget(ctx context.Context, s *Site) error {
	address, err := services.FreeAddress(ctx)
	if err != nil {
		return err
	}
	s.base, s.bearer = "http://"+address, bearer
	return s.launch(ctx, address, services.Command{
		Path: s.programs.Chatd, Args: []string{"--listen", "tcp://" + address}, Env: s.environment(),
	})
}

// prepare creates a conversation for each message.
func (s *Site) prepare(ctx context.Context, n int) ([]string, error) {
	urls := make([]string, n)
	for i := range urls {
		if s.Target == ProviderName {
			continue
		}
		if s.bearer == "" {
			urls[i] = s.base + "/start"
			continue
		}
		var conversation struct {
			ID string `json:"id"`
		}
		if err := s.post(ctx, s.base+"/conversations", struct{}{}, &conversation); err != nil {
			return nil, err
		}
		urls[i] = s.base + "/conversations/" + conversation.ID + "/messages"
	}
	return urls, nil
}

// submit sends a message and returns the id of its task.
func (s *Site) submit(ctx context.Context, url string, script Script) (string, error) {
	if s.Target == ProviderName {
		return script.Prompt(), nil
	}
	var accepted struct {
		TaskID string `json:"task_id"`
	}
	err := s.post(ctx, url, map[string]string{"content": script.Prompt()}, &accepted)
	return accepted.TaskID, err
}

func (s *Site) post(ctx context.Context, url string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+s.bearer)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("POST %s: %s: %s", url, res.Status, text)
	}
	return json.Unmarshal(text, out)
}

func (s *Site) follow(ctx context.Context, r *Reading, task string) error {
	method, url, body := http.MethodGet, s.base+"/stream/"+task, io.Reader(nil)
	if s.Target == ProviderName {
		method, url, body = http.MethodPost, s.base+"/chat/completions", strings.NewReader(`"`+task+`"`)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	if s.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+s.bearer)
	}
	return r.follow(s.client, req)
}

// spent returns the resources that the target's own processes, and Redis, have used
// so far.
func (s *Site) spent() (target, redis used, err error) {
	for _, p := range s.served {
		u, err := usage(p.Pid())
		if err != nil {
			return target, redis, err
		}
		target.CPU += u.CPU
		target.RSS += u.RSS
	}
	if s.redis != nil {
		redis, err = usage(s.redis.Pid())
	}
	return target, redis, err
}
