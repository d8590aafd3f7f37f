package main

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/urfave/cli/v2"

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/local"
)

func protocolRange() client.Range {
	return client.Range{Min: daemon.ProtocolMin, Max: daemon.ProtocolMax}
}

// env is the value of an environment variable, "" if it is not set.
func (p *program) env(name string) string {
	v, _ := p.lookup(name)
	return v
}

// withClient calls use with a client of the server that the command line means,
// starting the local daemon if need be.
func (p *program) withClient(c *cli.Context, use func(ctx context.Context, cl *client.Client) error) (err error) {
	resolve, closing, err := p.resolver(c)
	if err != nil {
		return err
	}
	own, err := p.ownProvider()
	if err != nil {
		return errors.Join(err, closing())
	}
	cl := client.New(resolve, own)
	defer func() {
		cl.Close()
		err = errors.Join(err, closing())
	}()
	return p.explain(use(c.Context, cl))
}

// ownProvider are the client's options with the provider of this shell. What was
// copied along with a key or a URL does not count.
func (p *program) ownProvider() (client.Options, error) {
	key := daemon.TrimKey(p.env("OPENAI_API_KEY"))
	if strings.ContainsFunc(key, unicode.IsControl) {
		return client.Options{}, chat.Errorf(chat.CodeNotConfigured, "OPENAI_API_KEY has a line break in it: set it to the key alone")
	}
	base := strings.Join(strings.FieldsFunc(p.env("OPENAI_BASE_URL"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	return client.Options{ProviderKey: key, ProviderBaseURL: base}, nil
}

// explain adds the next step to errors that only a client can explain.
func (p *program) explain(err error) error {
	if hint := p.environmentHint(err); hint != "" {
		e := *chat.AsError(err)
		e.Message += hint
		return &e
	}
	if !chat.IsCode(err, chat.CodeUnauthorized) {
		return err
	}
	if p.env("CHAT_TOKEN") == "" {
		return chat.Errorf(chat.CodeUnauthorized, "the server wants a token: set CHAT_TOKEN (%w)", err)
	}
	return chat.Errorf(chat.CodeUnauthorized, "the server does not accept the token in CHAT_TOKEN: it is wrong, was revoked or has expired (%w)", err)
}

type resolver = func(context.Context) (client.Endpoint, error)

// resolver decides where the server is: --host, in this process, or the local daemon.
func (p *program) resolver(c *cli.Context) (resolver, func() error, error) {
	nothing := func() error { return nil }
	host := c.String("host")
	if host == "" {
		host = p.env("CHAT_HOST")
	}
	inProcess := c.Bool("no-daemon") || truthy(p.env("CHAT_NO_DAEMON"))
	if host != "" {
		if c.Bool("no-daemon") {
			return nil, nil, chat.Errorf(chat.CodeInvalid, "--host and --no-daemon exclude each other")
		}
		p.remote = true
		e, err := parseHost(host, p.env("CHAT_TOKEN"))
		return client.At(e), nothing, err
	}
	if !inProcess {
		s, err := p.starter()
		if err != nil {
			return nil, nil, err
		}
		return s.Endpoint, nothing, nil
	}
	o, err := p.serveOptions(func(cfg *daemon.Config) {
		cfg.Idle, cfg.Drain = 0, localDrain // it ends with us
	})
	if err != nil {
		return nil, nil, err
	}
	o.LockWait = inProcessWait
	// Once it is ready, the server outlives the command's context: it drains after
	// the command has said what it has to say.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(c.Context))
	starting := context.AfterFunc(c.Context, func() { cancel(context.Cause(c.Context)) })
	server, err := local.InProcess(ctx, o)
	starting()
	if err != nil {
		cancel(nil)
		return nil, nil, err
	}
	p.inProcess = true
	p.infof("running without a daemon: closing this terminal ends the answer")
	return server.Endpoint, func() error { defer cancel(nil); return server.Close() }, nil
}

func truthy(v string) bool {
	switch strings.ToLower(v) {
	case "", "0", "false", "no", "off":
		return false
	}
	return true
}

// parseHost reads unix:///path, http://host:port or https://host:port.
func parseHost(host, token string) (client.Endpoint, error) {
	u, err := url.Parse(host)
	bad := chat.Errorf(chat.CodeInvalid, "--host is unix:///path, http://host:port or https://host, not %q", host)
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return client.Endpoint{}, bad
	}
	switch u.Scheme {
	case "unix":
		if u.Host != "" || !filepath.IsAbs(u.Path) {
			return client.Endpoint{}, bad
		}
		return client.Endpoint{Network: "unix", Address: u.Path}, nil
	case "http", "https":
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		if u.Hostname() == "" || strings.Trim(u.Path, "/") != "" {
			return client.Endpoint{}, bad
		}
		return client.Endpoint{
			Network: "tcp", Address: net.JoinHostPort(u.Hostname(), port),
			BaseURL: u.Scheme + "://" + u.Host, Token: token,
		}, nil
	}
	return client.Endpoint{}, bad
}

func (p *program) starter() (*local.Starter, error) {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return nil, err
	}
	return &local.Starter{Paths: paths, Protocol: protocolRange(), Notice: func(s string) { p.infof("%s", s) }}, nil
}

// nothingYet reports that there is certainly no task and no conversation: the
// daemon is local, it is not running, and it has never made its database.
func (p *program) nothingYet(c *cli.Context) bool {
	if c.String("host") != "" || p.env("CHAT_HOST") != "" {
		return false
	}
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return false
	}
	for _, path := range []string{filepath.Join(paths.Data, "chat.db"), paths.ConfigFile(), filepath.Join(paths.Data, "daemon.json")} {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return false
		}
	}
	return true
}

// lockWait is how long a daemon waits for its predecessor, which may be making
// its last answers (20 s by default).
const lockWait = 30 * time.Second

// A server in this process waits less, since somebody is looking on.
const (
	inProcessWait = 3 * time.Second // for another one to end
	localDrain    = time.Second     // of a local server: its answers are made again by the next one
)

// serveOptions describe the local server, whose configuration adjust completes.
func (p *program) serveOptions(adjust func(*daemon.Config)) (local.ServeOptions, error) {
	paths, err := local.FindPaths(p.lookup)
	if err != nil {
		return local.ServeOptions{}, err
	}
	instance := uuid.NewString()
	return local.ServeOptions{
		Paths: paths, Protocol: protocolRange(), Version: daemon.Version, Instance: instance, LockWait: lockWait,
		Run: func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error {
			cfg, err := daemon.LoadConfig(p.localLookup, daemon.Sources{ConfigFile: paths.ConfigFile()})
			if err != nil {
				return err
			}
			cfg.FetchKey(ctx)
			cfg.Local, cfg.Listener, cfg.DataDir, cfg.Instance = true, l, paths.Data, instance
			adjust(&cfg)
			return daemon.Run(ctx, cfg, stop, ready)
		},
	}, nil
}

// localLookup hides what an environment says about somebody else's servers: a
// shell in a project has the DATABASE_URL of that project, and a daemon that
// chat starts by itself must not settle there. The config file can still say so.
func (p *program) localLookup(name string) (string, bool) {
	switch name {
	case "DATABASE_URL", "REDIS_URL", "CHATD_LISTEN", "CHATD_ROLE":
		return "", false
	}
	return p.lookup(name)
}
