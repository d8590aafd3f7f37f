// Package connect connects to the server of a command, or starts the local daemon.
package connect

import (
	"cmp"
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

	"chat"
	"chat/daemon"
	"chat/daemon/client"
	"chat/daemon/local"
	"chat/internal/cli/output"
)

func ProtocolRange() client.Range {
	return client.Range{Min: daemon.ProtocolMin, Max: daemon.ProtocolMax}
}

// Connector finds or starts the server for one run of chat.
type Connector struct {
	*output.Console
	// InProcess is true if the server runs in this process.
	InProcess bool
	// remote is true if --host or CHAT_HOST names the server.
	remote bool
}

// New returns a connector that has not connected yet.
func New(con *output.Console) *Connector { return &Connector{Console: con} }

// Choice is the server that the flags name.
type Choice struct {
	Host     string
	NoDaemon bool
}

// WithClient calls use with a client of the selected server. It starts the local daemon
// if necessary.
func (p *Connector) WithClient(ctx context.Context, to Choice, use func(ctx context.Context, cl *client.Client) error) (err error) {
	resolve, closing, err := p.Resolve(ctx, to)
	if err != nil {
		return err
	}
	own, err := p.ClientOptions()
	if err != nil {
		return errors.Join(err, closing())
	}
	cl := client.New(resolve, own)
	defer func() {
		cl.Close()
		err = errors.Join(err, closing())
	}()
	return p.Explain(use(ctx, cl))
}

// ClientOptions returns the client's options with the provider of this environment. It
// removes white space that was copied along with a key or a URL.
func (p *Connector) ClientOptions() (client.Options, error) {
	key := daemon.TrimKey(p.Env("OPENAI_API_KEY"))
	if strings.ContainsFunc(key, unicode.IsControl) {
		return client.Options{}, chat.Errorf(chat.CodeNotConfigured, "OPENAI_API_KEY contains a line break: set it to the key only")
	}
	base := strings.Join(strings.FieldsFunc(p.Env("OPENAI_BASE_URL"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	return client.Options{ProviderKey: key, ProviderBaseURL: base}, nil
}

// Explain adds advice to errors that depend on the client's environment.
func (p *Connector) Explain(err error) error {
	if hint := p.EnvironmentHint(err); hint != "" {
		e := *chat.AsError(err)
		e.Message += hint
		return &e
	}
	if !chat.IsCode(err, chat.CodeUnauthorized) {
		return err
	}
	if p.Env("CHAT_TOKEN") == "" {
		return chat.Errorf(chat.CodeUnauthorized, "the server requires a token: set CHAT_TOKEN (%w)", err)
	}
	return chat.Errorf(chat.CodeUnauthorized, "the server does not accept the token in CHAT_TOKEN: it is wrong, was revoked or has expired (%w)", err)
}

type resolver = func(context.Context) (client.Endpoint, error)

// Resolve selects the server: --host, a server in this process, or the local daemon.
func (p *Connector) Resolve(parent context.Context, to Choice) (resolver, func() error, error) {
	nothing := func() error { return nil }
	host := cmp.Or(to.Host, p.Env("CHAT_HOST"))
	inProcess := to.NoDaemon || output.Truthy(p.Env("CHAT_NO_DAEMON"))
	if host != "" {
		if to.NoDaemon {
			return nil, nil, chat.Errorf(chat.CodeInvalid, "--host and --no-daemon exclude each other")
		}
		p.remote = true
		e, err := ParseHost(host, p.Env("CHAT_TOKEN"))
		return client.At(e), nothing, err
	}
	if !inProcess {
		s, err := p.Starter()
		if err != nil {
			return nil, nil, err
		}
		return s.Endpoint, nothing, nil
	}
	o, err := p.ServeOptions(func(cfg *daemon.Config) {
		cfg.Idle, cfg.Drain = 0, LocalDrain // it ends with this process
	})
	if err != nil {
		return nil, nil, err
	}
	o.LockWait = inProcessWait
	// A ready server outlives the command's context, because it drains after the
	// command has written its last output.
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	starting := context.AfterFunc(parent, func() { cancel(context.Cause(parent)) })
	server, err := local.InProcess(ctx, o)
	starting()
	if err != nil {
		cancel(nil)
		return nil, nil, err
	}
	p.InProcess = true
	p.Infof("running without a daemon: closing this terminal ends the answer")
	return server.Endpoint, func() error { defer cancel(nil); return server.Close() }, nil
}

// ParseHost reads unix:///path, http://host:port or https://host:port.
func ParseHost(host, token string) (client.Endpoint, error) {
	u, err := url.Parse(host)
	bad := chat.Errorf(chat.CodeInvalid, "--host must be unix:///path, http://host:port or https://host, not %q", host)
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

func (p *Connector) Starter() (*local.Starter, error) {
	paths, err := local.FindPaths(p.Lookup)
	if err != nil {
		return nil, err
	}
	return &local.Starter{Paths: paths, Protocol: ProtocolRange(), Notice: func(s string) { p.Infof("%s", s) }}, nil
}

// NothingStored reports whether there is certainly no task and no conversation: the
// daemon is local, is not running, and has never created its database.
func (p *Connector) NothingStored(host string) bool {
	if host != "" || p.Env("CHAT_HOST") != "" {
		return false
	}
	paths, err := local.FindPaths(p.Lookup)
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

// lockWait is how long a daemon waits for its predecessor, which may still be
// draining (20 s by default).
const lockWait = 30 * time.Second

// A server in this process waits less, because a user is waiting.
const (
	inProcessWait = 3 * time.Second // for another server to exit
	LocalDrain    = time.Second     // of a local server; the next one restarts its answers
)

// ServeOptions returns the options of the local server. Adjust completes its configuration.
func (p *Connector) ServeOptions(adjust func(*daemon.Config)) (local.ServeOptions, error) {
	paths, err := local.FindPaths(p.Lookup)
	if err != nil {
		return local.ServeOptions{}, err
	}
	instance := uuid.NewString()
	return local.ServeOptions{
		Paths: paths, Protocol: ProtocolRange(), Version: daemon.Version, Instance: instance, LockWait: lockWait,
		Run: func(ctx context.Context, stop <-chan struct{}, l net.Listener, ready func()) error {
			cfg, err := daemon.LoadConfig(p.LocalLookup, daemon.Sources{ConfigFile: paths.ConfigFile()})
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

// LocalLookup hides the variables that may belong to another project. A shell often has
// the DATABASE_URL of some project, which a daemon that chat starts automatically must
// not use. The config file can still set them.
func (p *Connector) LocalLookup(name string) (string, bool) {
	switch name {
	case "DATABASE_URL", "REDIS_URL", "CHATD_LISTEN", "CHATD_ROLE":
		return "", false
	}
	return p.Lookup(name)
}

// Running reports whether the local daemon runs.
func (p *Connector) Running(ctx context.Context) (bool, error) {
	s, err := p.Starter()
	if err != nil {
		return false, err
	}
	st, err := s.Status(ctx)
	return st.Running, err
}

// Stop stops the local daemon, so that the next command starts it with other settings.
func (p *Connector) Stop(ctx context.Context) error {
	s, err := p.Starter()
	if err == nil {
		_, err = s.Stop(ctx, false)
	}
	return err
}

// NoteRestart advises a restart if a daemon is running, because it reads its settings
// only when it starts.
func (p *Connector) NoteRestart(ctx context.Context) error {
	running, err := p.Running(ctx)
	if err == nil && running {
		p.Infof("the local daemon reads its settings only when it starts: run chat daemon restart")
	}
	return err
}
