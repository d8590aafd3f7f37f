package world

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"chat/internal/poll"
	"chat/internal/services"
)

// Edge is a proxy on the way from one process to another.
type Edge struct {
	Name   string
	addr   string
	server *toxiproxy.ApiServer
	proxy  *toxiproxy.Proxy
}

// edges holds the proxies of one world.
type edges struct {
	server *toxiproxy.ApiServer
	all    []*Edge
}

func newEdges() *edges {
	return &edges{server: toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())}
}

// open starts a proxy in front of upstream (host:port).
func (e *edges) open(ctx context.Context, name, upstream string) (*Edge, error) {
	var p *toxiproxy.Proxy
	for p == nil {
		address, err := services.FreeAddress(ctx)
		if err != nil {
			return nil, err
		}
		p = toxiproxy.NewProxy(e.server, name, address, upstream)
		switch err := p.Start(); {
		case errors.Is(err, syscall.EADDRINUSE):
			p = nil // another process has the port
		case err != nil:
			return nil, fmt.Errorf("proxy %s: %w", name, err)
		}
	}
	edge := &Edge{Name: name, addr: p.Listen, server: e.server, proxy: p}
	e.all = append(e.all, edge)
	return edge, nil
}

func (e *edges) close() {
	for _, x := range e.all {
		x.proxy.Stop()
	}
}

// Addr is where the proxy listens.
func (x *Edge) Addr() string { return x.addr }

// Cut closes all connections and refuses new ones until Mend.
func (x *Edge) Cut() { x.proxy.Stop() }

// Mend undoes everything, with a new proxy at the same address: taking a toxic
// out of a connection that is stuck can wait for ever. It cuts what is connected.
func (x *Edge) Mend() error {
	x.Cut()
	fresh := toxiproxy.NewProxy(x.server, x.Name, x.addr, x.proxy.Upstream)
	var err error
	// A process that is being started right now holds the closed listener until
	// it runs its program.
	poll.Until(mendWithin, func() bool {
		err = fresh.Start()
		return !errors.Is(err, syscall.EADDRINUSE)
	})
	if err != nil {
		return fmt.Errorf("mend %s: %w", x.Name, err)
	}
	x.proxy = fresh
	return nil
}

// mendWithin is the time in which the address of a proxy that was cut is free.
const mendWithin = 5 * time.Second

// Reset closes all connections once; new ones are accepted immediately.
func (x *Edge) Reset() error { return x.Mend() }

// The directions of bytes.
const (
	ToServer = "upstream"
	ToClient = "downstream"
)

// Swallow lets bytes of one direction disappear until Mend, with connections
// open: as a black hole does, and, towards the client, a lost reply.
func (x *Edge) Swallow(direction string) error {
	return x.toxic(`{"name":"swallow-%s","type":"timeout","stream":"%s","attributes":{"timeout":0}}`, direction, direction)
}

// Delay delays both directions by d, give or take jitter, until Mend.
func (x *Edge) Delay(d, jitter time.Duration) error {
	for _, s := range []string{ToServer, ToClient} {
		if err := x.toxic(`{"name":"delay-%s","type":"latency","stream":"%s","attributes":{"latency":%d,"jitter":%d}}`,
			s, s, d.Milliseconds(), jitter.Milliseconds()); err != nil {
			return err
		}
	}
	return nil
}

// CutAfter cuts each connection after n bytes towards the client, until Mend.
func (x *Edge) CutAfter(n int) error {
	return x.toxic(`{"name":"limit","type":"limit_data","stream":"downstream","attributes":{"bytes":%d}}`, n)
}

// Slice passes bytes on in pieces of about n.
func (x *Edge) Slice(n int) error {
	return x.toxic(`{"name":"slice","type":"slicer","stream":"downstream","attributes":{"average_size":%d,"size_variation":%d,"delay":10}}`, n, n/2)
}

func (x *Edge) toxic(format string, a ...any) error {
	if _, err := x.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(format, a...))); err != nil {
		return fmt.Errorf("proxy %s: %w", x.Name, err)
	}
	return nil
}
