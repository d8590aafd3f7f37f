package sqltest

import (
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// Proxy forwards between a store and PostgreSQL. It can freeze connections, like a network
// that drops packets: nothing arrives, and neither side gets an error.
type Proxy struct {
	// URL is the database's, through the proxy.
	URL string

	server     string
	front      net.Listener
	freezeNew  atomic.Bool   // new connections are frozen from the start
	frozen     atomic.Uint64 // connections up to this number are frozen
	accepted   atomic.Uint64 // number of connections
	goroutines sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// NewProxy starts a proxy for the PostgreSQL at databaseURL. It stops with the test.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	return newProxy(t, databaseURL, "tcp", "127.0.0.1:0")
}

// NewSocketProxy starts a proxy that listens on a unix socket at path. It has no URL.
func NewSocketProxy(t testing.TB, databaseURL, path string) *Proxy {
	t.Helper()
	p := newProxy(t, databaseURL, "unix", path)
	p.URL = ""
	return p
}

func newProxy(t testing.TB, databaseURL, network, address string) *Proxy {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{server: u.Host}
	p.front, err = (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.front.Addr().String()
	p.URL = u.String()
	p.goroutines.Go(p.serve)
	t.Cleanup(func() {
		if err := p.front.Close(); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close() // forward may have closed it
		}
		p.mu.Unlock()
		p.goroutines.Wait()
	})
	return p
}

// Freeze freezes the existing connections. New ones work.
func (p *Proxy) Freeze() { p.frozen.Store(p.accepted.Load()) }

// FreezeAll also freezes new connections, until Thaw.
func (p *Proxy) FreezeAll() {
	p.freezeNew.Store(true)
	p.Freeze()
}

// Thaw lets new connections work again. Frozen ones stay frozen.
func (p *Proxy) Thaw() { p.freezeNew.Store(false) }

// Connections returns how many connections were accepted so far.
func (p *Proxy) Connections() int { return int(p.accepted.Load()) }

func (p *Proxy) serve() {
	for {
		client, err := p.front.Accept()
		if err != nil {
			return // closed with the test
		}
		number := p.accepted.Add(1)
		p.track(client)
		if p.freezeNew.Load() {
			p.Freeze()
			p.goroutines.Go(func() { _, _ = io.Copy(io.Discard, client) })
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close() // as if the server had refused it
			continue
		}
		p.track(server)
		p.goroutines.Go(func() { p.forward(server, client, number) })
		p.goroutines.Go(func() { p.forward(client, server, number) })
	}
}

func (p *Proxy) track(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

// forward copies from one side to the other until one ends. Of a frozen connection it
// drops everything, including its end.
func (p *Proxy) forward(to, from net.Conn, number uint64) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if number <= p.frozen.Load() {
			if err != nil {
				return
			}
			continue
		}
		if _, werr := to.Write(buf[:n]); errors.Join(err, werr) != nil {
			_, _ = to.Close(), from.Close()
			return
		}
	}
}
