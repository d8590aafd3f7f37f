//go:build linux

package scale

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// readers follow streams.
type readers struct {
	counted []*reader // read a few times a second
	sampled []*reader // read when something arrives
}

// reader is one connection to a stream. Its socket is not one of package net, whose poller
// would wake for every frame.
type reader struct {
	fd    int
	text  []byte // of the answer that is not whole yet, of a sampled one
	marks int
	ended bool
	took  []sample
}

// sample is one token as its reader got it.
type sample struct {
	emitted int64 // Unix nanoseconds
	took    time.Duration
}

const (
	// countEvery is the time between two rounds of the readers that count.
	countEvery = 100 * time.Millisecond
	// sampledEvery is the share of readers that are sampled: one in so many.
	sampledEvery = 10
	readBuffer   = 64 << 10
)

// firstSource is the number of the first loopback address that readers connect from, each of
// which has ports for sourcePorts connections.
const firstSource, sourcePorts = 2, 20_000

// follow connects to a stream, as connection n of this process, and sends the request.
func follow(address netip.AddrPort, task string, n int) (*reader, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("socket of a reader: %w", err)
	}
	r := &reader{fd: fd}
	source := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, byte(firstSource + n/sourcePorts)}}
	err = unix.Bind(fd, source)
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: address.Addr().As4(), Port: int(address.Port())})
	}
	if err == nil {
		request := "GET /stream/" + task + " HTTP/1.1\r\nHost: " + address.String() + "\r\nAuthorization: Bearer " + bearer + "\r\nConnection: close\r\n\r\n"
		_, err = unix.Write(fd, []byte(request))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("follow %s: %w", task, err), r.close())
	}
	return r, nil
}

func (r *reader) close() error { return unix.Close(r.fd) }

// awaitFirst reads until the first token has arrived.
func (r *reader) awaitFirst() error {
	buf := make([]byte, 4<<10)
	for r.marks == 0 {
		n, err := unix.Read(r.fd, buf)
		if err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("a stream ended early: %s", r.text)
		}
		r.text = append(r.text, buf[:n]...)
		r.marks += bytes.Count(buf[:n], []byte{mark})
	}
	r.text = nil
	return unix.SetNonblock(r.fd, true)
}

// drain reads what has arrived.
func (r *reader) drain(buf []byte, sampled bool) error {
	for !r.ended {
		n, err := unix.Read(r.fd, buf)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return err
		case n == 0:
			r.ended = true
			return nil
		}
		r.marks += bytes.Count(buf[:n], []byte{mark})
		if sampled {
			r.measure(buf[:n], time.Now().UnixNano())
		}
		if n < len(buf) {
			return nil
		}
	}
	return nil
}

// measure takes the times of the tokens that are whole now.
func (r *reader) measure(arrived []byte, now int64) {
	r.text = append(r.text, arrived...)
	rest := r.text
	for {
		_, after, ok := bytes.Cut(rest, []byte{mark})
		if !ok {
			break
		}
		token, next, ok := bytes.Cut(after, []byte{mark})
		if !ok {
			break
		}
		emitted := int64(0)
		for _, c := range token {
			emitted = emitted*10 + int64(c-'0')
		}
		r.took = append(r.took, sample{emitted, time.Duration(now - emitted)})
		rest = next
	}
	if bytes.IndexByte(rest, mark) < 0 {
		rest = nil
	}
	r.text = append(r.text[:0], rest...)
}

// read reads all streams to their ends, or until ctx ends.
func (rs *readers) read(ctx context.Context) error {
	var work sync.WaitGroup
	var counting, sampling error
	work.Go(func() { counting = rs.count(ctx) })
	work.Go(func() { sampling = rs.sample(ctx) })
	work.Wait()
	return errors.Join(counting, sampling)
}

func (rs *readers) count(ctx context.Context) error {
	buf := make([]byte, readBuffer)
	for {
		open := 0
		for _, r := range rs.counted {
			if err := r.drain(buf, false); err != nil {
				return err
			}
			if !r.ended {
				open++
			}
		}
		if open == 0 {
			return nil
		}
		if err := pause(ctx, countEvery); err != nil {
			return err
		}
	}
}

func (rs *readers) sample(ctx context.Context) (err error) {
	poller, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(poller)) }()
	byFD := map[int32]*reader{}
	for _, r := range rs.sampled {
		byFD[int32(r.fd)] = r
		if err := unix.EpollCtl(poller, unix.EPOLL_CTL_ADD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(r.fd)}); err != nil {
			return err
		}
	}
	buf := make([]byte, readBuffer)
	events := make([]unix.EpollEvent, 128)
	for open := len(rs.sampled); open > 0 && ctx.Err() == nil; {
		n, err := unix.EpollWait(poller, events, int(countEvery.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(0, n)] {
			r := byFD[e.Fd]
			if err := r.drain(buf, true); err != nil {
				return err
			}
			if r.ended {
				open--
				if err := unix.EpollCtl(poller, unix.EPOLL_CTL_DEL, r.fd, nil); err != nil {
					return err
				}
			}
		}
	}
	return context.Cause(ctx)
}

func (rs *readers) all() []*reader { return slices.Concat(rs.counted, rs.sampled) }
