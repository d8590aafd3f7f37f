package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"syscall"
)

// The ports that FreePort picks from: below those that Linux gives to outgoing
// connections, one of which could take the port before its server has it.
const firstPort, ports = 15000, 17000

// claims are the sockets that keep this process's ports from other processes
// that ask FreePort, also while nothing listens on them.
var claims struct { //nolint:gochecknoglobals // of the process, as its ports are
	sync.Mutex
	all []io.Closer
}

// FreePort returns a loopback port on which no process listens now. No other
// call gets it until this process ends.
func FreePort(ctx context.Context) (int, error) {
	var dialer net.Dialer
	for {
		port := firstPort + rand.N(ports)
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		claimed, err := claim(ctx, address)
		if err != nil {
			return 0, err
		}
		if !claimed {
			continue
		}
		// Not by listening: a process that another goroutine starts right now
		// would hold the listener until it runs its program.
		c, err := dialer.DialContext(ctx, "tcp", address)
		switch {
		case err == nil:
			if err := c.Close(); err != nil {
				return 0, fmt.Errorf("find a free port: %w", err)
			}
		case errors.Is(err, syscall.ECONNREFUSED):
			return port, nil
		default:
			return 0, fmt.Errorf("find a free port: %w", err)
		}
	}
}

// claim takes the UDP port of the same number, which only one process can have
// and which the system takes back when the process ends.
func claim(ctx context.Context, address string) (bool, error) {
	var config net.ListenConfig
	c, err := config.ListenPacket(ctx, "udp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("claim a port: %w", err)
	}
	claims.Lock()
	defer claims.Unlock()
	claims.all = append(claims.all, c)
	return true, nil
}

// FreeAddress is the host:port of a FreePort.
func FreeAddress(ctx context.Context) (string, error) {
	port, err := FreePort(ctx)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}
