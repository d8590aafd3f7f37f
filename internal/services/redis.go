package services

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// EnvRedisServer selects another program than the installed redis-server, such as Valkey's
// valkey-server.
const EnvRedisServer = "CHAT_TEST_REDIS_SERVER"

// RedisServer is a redis-server process without persistence on a loopback port.
type RedisServer struct {
	path string
	dir  string
	port int
	bus  int // the port for other nodes of a cluster; 0 if it is in none
	args []string
	proc *Process

	config string // a file, or "" for none
	// What clients and other servers connect to: the ports above, or those of what is in front.
	announced, announcedBus int
}

// Front opens what clients and other servers connect to in place of a server at addr
// (host:port), such as a proxy, and returns its address. A nil Front opens nothing.
type Front func(ctx context.Context, addr string) (string, error)

// announce opens the front of a server, whose address the server then names in place of its own.
// kind is the beginning of the settings' names: cluster or replica.
func (s *RedisServer) announce(ctx context.Context, kind string, f Front) error {
	s.announced = s.port
	if f == nil {
		return nil
	}
	at, err := f(ctx, s.Addr())
	if err != nil {
		return err
	}
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		return err
	}
	if s.announced, err = strconv.Atoi(port); err != nil {
		return err
	}
	return s.configure(ctx, kind+"-announce-port", s.announced)
}

// configure changes a setting, also for the next starts.
func (s *RedisServer) configure(ctx context.Context, setting string, value int) error {
	s.args = append(s.args, "--"+setting, strconv.Itoa(value))
	_, err := s.Do(ctx, "CONFIG", "SET", setting, value)
	return err
}

// Do sends the server a command, on a connection of its own, and returns the reply as text.
func (s *RedisServer) Do(ctx context.Context, args ...any) (string, error) {
	o := s.Options()
	o.MaxRetries = -1
	rdb := redis.NewClient(o)
	reply, err := rdb.Do(ctx, args...).Text()
	return reply, errors.Join(err, rdb.Close())
}

// announcedAddr is the host and port that the server names to others.
func (s *RedisServer) announcedAddr() string {
	return loopback(s.announced)
}

// loopback is the host and port of a local server.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// LaunchRedis starts a redis-server that works in dir and waits until it
// answers. The caller kills it.
func LaunchRedis(ctx context.Context, dir string, args ...string) (*RedisServer, error) {
	return launchRedis(ctx, dir, "", args...)
}

func launchRedis(ctx context.Context, dir, config string, args ...string) (*RedisServer, error) {
	path, err := exec.LookPath(cmp.Or(os.Getenv(EnvRedisServer), "redis-server"))
	if err != nil {
		return nil, fmt.Errorf("redis-server is not installed: %w", err)
	}
	for range portTries {
		var port int
		if port, err = FreePort(ctx); err != nil {
			return nil, err
		}
		s := &RedisServer{path: path, dir: dir, port: port, args: args, config: config}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
	}
	return nil, err
}

// Start starts the server, empty, on the port it had before, and waits until it
// answers.
func (s *RedisServer) Start(ctx context.Context) error {
	var args []string
	if s.config != "" {
		args = append(args, s.config)
	}
	args = append(args,
		"--bind", "127.0.0.1", "--port", strconv.Itoa(s.port),
		"--daemonize", "no")
	if s.config == "" {
		args = append(args, "--save", "", "--appendonly", "no", "--databases", "16")
	}
	args = append(args, s.args...)
	p, err := Command{Path: s.path, Args: args, Dir: s.dir}.Start()
	if err != nil {
		return err
	}
	s.proc = p
	if err := p.Ready(ctx, s.ping); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

// ping reports whether the server answers at all, even with a refusal. It does not
// use a client, because a client would log each attempt.
func (s *RedisServer) ping(ctx context.Context) error {
	d := net.Dialer{Timeout: dialWithin}
	c, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	return errors.Join(ping(c), c.Close())
}

func ping(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(dialWithin)); err != nil {
		return err
	}
	if _, err := io.WriteString(c, "PING\r\n"); err != nil {
		return err
	}
	answer, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || strings.HasPrefix(answer, "+PONG") || strings.HasPrefix(answer, "-NOAUTH") {
		return err
	}
	return fmt.Errorf("redis-server answers %q", answer)
}

// Kill ends the server immediately: its data is lost and its connections are cut.
// Killing a server that is not running is no error.
func (s *RedisServer) Kill() error { return s.proc.Stop(syscall.SIGKILL) }

// Pause freezes the server: connections stay open and nothing is answered.
func (s *RedisServer) Pause() error { return s.proc.Signal(syscall.SIGSTOP) }

// Resume lets a paused server continue.
func (s *RedisServer) Resume() error { return s.proc.Signal(syscall.SIGCONT) }

// Pid is the server's process id.
func (s *RedisServer) Pid() int { return s.proc.Pid() }

// Addr is the server's host and port.
func (s *RedisServer) Addr() string { return loopback(s.port) }

// URL is the server's redis:// URL.
func (s *RedisServer) URL() string { return "redis://" + s.Addr() + "/0" }

// Options are the options of a client of the server.
func (s *RedisServer) Options() *redis.Options { return &redis.Options{Addr: s.Addr()} }
