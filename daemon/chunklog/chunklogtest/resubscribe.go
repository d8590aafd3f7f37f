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

// gate holds back new connections but the first, once it is shut, and counts
// what is read. The first is go-redis's own attempt to go on with a
// subscription, which the log does not rely on.
type gate struct {
	shut    atomic.Bool
	dials   atomic.Int64
	waiting chan struct{} // a connection is held back
	open    chan struct{}
	reads   atomic.Int64
}

func (g *gate) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if g.shut.Load() && g.dials.Add(1) > 1 {
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

// testWrittenWhileUnsubscribed: a reader has looked at its list, its subscription
// is not back yet, and then something is written, and nothing after it.
func testWrittenWhileUnsubscribed(t *testing.T, b *bench) {
	g := &gate{waiting: make(chan struct{}, 1), open: make(chan struct{})}
	b.Client.AddHook(g)
	w := b.writer(t, 1)
	b.say(t, w, 0, 3)
	tail := b.log.Tail(b.task.ID, chat.Start())
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
	g.shut.Store(true)
	reads := g.reads.Load()
	if err := b.Client.ClientKillByFilter(t.Context(), "TYPE", "pubsub").Err(); err != nil {
		t.Fatal(err)
	}
	<-g.waiting
	b.waitFor(t, func() bool { return g.reads.Load() > reads }) // it looks, and finds nothing new
	b.say(t, w, 3, 1)
	close(g.open)
	select {
	case r := <-next:
		if r.err != nil || len(r.chunks) != 1 || !strings.Contains(r.chunks[0].JSON, words(3, 4)) {
			t.Fatalf("got %+v, %v", r.chunks, r.err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("what was written before the subscription was back is not seen")
	}
}
