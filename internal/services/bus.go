package services

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// buses relay what the nodes of a Redis Cluster send each other. Their messages begin with the
// sender's port, so the relays know both ends of each connection and can separate one node from
// the others.
type buses struct {
	mu        sync.Mutex
	alone     int // the port of the node that is separated; 0: none is
	listeners []net.Listener
	links     map[net.Conn][2]int // by connection: the ports of the two nodes
	work      sync.WaitGroup
}

// open starts a relay to the bus (a port) of the node whose clients use the port node. It returns
// the relay's own port.
func (b *buses) open(ctx context.Context, node, bus int) (int, error) {
	port, err := FreePort(ctx)
	if err != nil {
		return 0, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", loopback(port))
	if err != nil {
		return 0, fmt.Errorf("relay to the bus %d: %w", bus, err)
	}
	b.mu.Lock()
	b.listeners = append(b.listeners, l)
	b.mu.Unlock()
	b.work.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			b.work.Go(func() { b.relay(c, node, bus) })
		}
	})
	return port, nil
}

// header is the length of what a message has before the sender's port and of that port: a
// signature, a length, a version and two bytes.
const header = 4 + 4 + 2 + 2

// relay copies both directions of one connection until either end, or separate, closes it.
func (b *buses) relay(c net.Conn, node, bus int) {
	defer func() { _ = c.Close() }() // possibly by separate before
	begin := make([]byte, header)
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return
	}
	if _, err := io.ReadFull(c, begin); err != nil {
		return
	}
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return
	}
	d := net.Dialer{Timeout: time.Second}
	to, err := d.Dial("tcp", loopback(bus))
	if err != nil {
		return // the node is dead
	}
	defer func() { _ = to.Close() }()
	if !b.add(c, int(binary.BigEndian.Uint16(begin[header-2:])), node) {
		return
	}
	defer b.remove(c)
	if _, err := to.Write(begin); err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(c, to) // it ends when one of the two is closed
		_ = c.Close()
	})
	_, _ = io.Copy(to, c)
	_ = to.Close()
	back.Wait()
}

// add records a connection. It returns false if its ends are separated.
func (b *buses) add(c net.Conn, from, to int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.alone != 0 && (from == b.alone || to == b.alone) {
		return false
	}
	if b.links == nil {
		b.links = map[net.Conn][2]int{}
	}
	b.links[c] = [2]int{from, to}
	return true
}

func (b *buses) remove(c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.links, c)
}

// separate closes the connections of a node with others, and those that come, until it is called
// with another port; 0 separates none.
func (b *buses) separate(node int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alone = node
	for c, ends := range b.links {
		if ends[0] == node || ends[1] == node {
			_ = c.Close() // relay ends
		}
	}
}

// close ends all relays.
func (b *buses) close() {
	b.mu.Lock()
	for _, l := range b.listeners {
		_ = l.Close() // a listener that does not end is ended by the process
	}
	for c := range b.links {
		_ = c.Close() // possibly by relay before
	}
	b.mu.Unlock()
	b.work.Wait()
}
