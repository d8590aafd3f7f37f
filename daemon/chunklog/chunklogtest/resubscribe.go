package chunklogtest

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
)

// gate, once shut, holds back all new connections but the first of each subscription, and
// counts reads. The first ones are go-redis's own attempts to renew a subscription, which the
// log does not rely on.
type gate struct {
	shut    atomic.Bool
	first   atomic.Int64 // connections that are let through
	dials   atomic.Int64
	waiting chan struct{} // a connection is held back
	open    chan struct{}
	reads   atomic.Int64
}

func (g *gate) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if g.shut.Load() && g.dials.Add(1) > g.first.Load() {
			select {
			case g.waiting <- struct{}{}:
			default:
			}
			select {
			case <-g.open:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		return next(ctx, network, addr)
	}
}

func (g *gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "lrange" {
			g.reads.Add(1)
		}
		return err
	}
}

func (g *gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// testWrittenWhileUnsubscribed: a reader has read its list, and its subscription is not
// yet in force again. Then one last chunk is written.
func testWrittenWhileUnsubscribed(t *testing.T, h *harness) {
	g := &gate{waiting: make(chan struct{}, 1), open: make(chan struct{})}
	h.addHook(t, g)
	w := h.writer(t, 1)
	h.write(t, w, 0, 3)
	tail := h.log.Tail(h.task.ID, chat.Start())
	defer tail.Close()
	read(t, tail, count(3))

	type result struct {
		chunks []chat.EncodedChunk
		err    error
	}
	next := make(chan result, 1)
	go func() {
		chunks, err := tail.Next(t.Context(), 20*time.Second)
		next <- result{chunks, err}
	}()
	n, err := h.countSubscriptions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.first.Store(n)
	g.shut.Store(true)
	reads := g.reads.Load()
	if err := h.killSubscriptions(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-g.waiting
	h.waitFor(t, func() bool { return g.reads.Load() > reads }) // it reads the list, and finds nothing new
	h.write(t, w, 3, 1)
	close(g.open)
	select {
	case r := <-next:
		if r.err != nil || len(r.chunks) != 1 || !strings.Contains(r.chunks[0].JSON, words(3, 4)) {
			t.Fatalf("got %+v, %v", r.chunks, r.err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the chunk is not seen")
	}
}

func (h *harness) killSubscriptions(ctx context.Context) error {
	return h.Client.Servers(ctx, func(ctx context.Context, server *redis.Client) error {
		return server.ClientKillByFilter(ctx, "TYPE", "pubsub").Err()
	})
}

// countSubscriptions counts the connections with subscriptions.
func (h *harness) countSubscriptions(ctx context.Context) (int64, error) {
	var n atomic.Int64
	err := h.Client.Servers(ctx, func(ctx context.Context, server *redis.Client) error {
		list, err := server.Do(ctx, "CLIENT", "LIST", "TYPE", "pubsub").Text()
		n.Add(int64(strings.Count(list, "\n")))
		return err
	})
	return n.Load(), err
}
