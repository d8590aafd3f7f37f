package daemon

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"chat"
)

// webPortFile has the port that the page of a local daemon had last. The next daemon takes
// the same one, if it is free, so that a page that is open finds it again.
const webPortFile = "web-port"

// loopback is the address for browsers of this machine.
const loopback = "127.0.0.1"

// webListener listens for browsers, once it is asked to. The zero value with serve is ready.
type webListener struct {
	serve func(net.Listener) error

	mu     sync.Mutex
	open   map[string]net.Listener // by IP address
	closed bool
	work   sync.WaitGroup
}

// listenWeb listens on an IP address of this machine, by default 127.0.0.1, unless it does so
// already. It returns host:port.
func (d *daemon) listenWeb(ctx context.Context, address string) (string, error) {
	ip := net.ParseIP(cmp.Or(address, loopback))
	if ip == nil || ip.IsUnspecified() {
		return "", chat.Errorf(chat.CodeInvalid, "%q is not the IP address of one network: name an address of this machine", address)
	}
	for _, l := range d.listeners {
		if at, ok := l.Addr().(*net.TCPAddr); ok && (at.IP.Equal(ip) || at.IP.IsUnspecified()) {
			return (&net.TCPAddr{IP: ip, Port: at.Port}).String(), nil
		}
	}
	w := &d.web
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.open[ip.String()]; l != nil {
		return l.Addr().String(), nil
	}
	if w.closed {
		return "", chat.Retryable(chat.Errorf(chat.CodeDraining, "the daemon is shutting down: try again"))
	}
	if d.token.hash.Load() == nil {
		if _, err := d.token.open(d.cfg, d.log); err != nil {
			return "", err
		}
	}
	l, err := d.bindWeb(ctx, ip)
	if err != nil {
		return "", err
	}
	if w.open == nil {
		w.open = map[string]net.Listener{}
	}
	w.open[ip.String()] = l
	w.work.Go(func() {
		if err := w.serve(l); !errors.Is(err, http.ErrServerClosed) {
			d.log.Error("the page is not served any more", "address", l.Addr().String(), "err", err)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.open, ip.String())
	})
	d.log.Info("listening for browsers, because `chat web` asked for it", "address", "tcp://"+l.Addr().String())
	return l.Addr().String(), nil
}

// bindWeb binds the port that the page had last, or a free one.
func (d *daemon) bindWeb(ctx context.Context, ip net.IP) (net.Listener, error) {
	path := filepath.Join(d.cfg.DataDir, webPortFile)
	last, err := os.ReadFile(path)
	var l net.Listener
	if err == nil {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(ip.String(), strings.TrimSpace(string(last))))
	}
	if err != nil {
		l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(ip.String(), "0"))
	}
	if err != nil {
		return nil, chat.Errorf(chat.CodeDaemon, "cannot listen on %s (%w): name another address of this machine", ip, err)
	}
	if at, ok := l.Addr().(*net.TCPAddr); ok && ip.IsLoopback() {
		_, port, _ := net.SplitHostPort(at.String())                         // it is an address
		if err := os.WriteFile(path, []byte(port+"\n"), 0o600); err != nil { //nolint:gosec // the path is the daemon's own
			d.log.Warn("the port of the page is not kept", "err", err)
		}
	}
	return l, nil
}

// wait waits until nothing is served any more. The server must be closed.
func (w *webListener) wait() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.work.Wait()
}
