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

// Proxy stands between a store and its PostgreSQL, and can fall silent as a
// network does that drops packets: nothing arrives any more, and nobody is told.
type Proxy struct {
	// URL is the database's, by way of the proxy.
	URL string

	server string
	front  net.Listener
	deaf   atomic.Bool   // new connections are silent from the start
	frozen atomic.Uint64 // connections of this generation or an older one are silent
	born   atomic.Uint64
	work   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// NewProxy returns a proxy for the PostgreSQL at databaseURL, which ends with the test.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	return newProxy(t, databaseURL, "tcp", "127.0.0.1:0")
}

// NewSocketProxy returns one that listens on a unix socket at path; it has no URL.
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
	p.work.Go(p.serve)
	t.Cleanup(func() {
		if err := p.front.Close(); err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		for _, c := range p.conns {
			_ = c.Close() // its pump may have been faster
		}
		p.mu.Unlock()
		p.work.Wait()
	})
	return p
}

// Freeze silences the connections that exist; new ones work.
func (p *Proxy) Freeze() { p.frozen.Store(p.born.Load()) }

// FreezeAll silences new connections, too, until Thaw.
func (p *Proxy) FreezeAll() {
	p.deaf.Store(true)
	p.Freeze()
}

// Thaw lets new connections work again. Those that were silenced stay so.
func (p *Proxy) Thaw() { p.deaf.Store(false) }

// Connections is the number of connections that were made so far.
func (p *Proxy) Connections() int { return int(p.born.Load()) }

func (p *Proxy) serve() {
	for {
		client, err := p.front.Accept()
		if err != nil {
			return // closed with the test
		}
		generation := p.born.Add(1)
		p.keep(client)
		if p.deaf.Load() {
			p.Freeze()
			p.work.Go(func() { _, _ = io.Copy(io.Discard, client) })
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close() // as if the server itself had refused it
			continue
		}
		p.keep(server)
		p.work.Go(func() { p.pump(server, client, generation) })
		p.work.Go(func() { p.pump(client, server, generation) })
	}
}

func (p *Proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

// pump carries what from says to to, and its end; from a silenced connection, neither.
func (p *Proxy) pump(to, from net.Conn, generation uint64) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if generation <= p.frozen.Load() {
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
