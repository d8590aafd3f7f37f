package chunklog

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/embedded"
	"chat/daemon/redisconn"
	"chat/internal/services"
)

// engines returns a log on each engine.
func engines(b *testing.B) map[string]*Log {
	b.Helper()
	engine, err := embedded.Start(embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close() })
	logs := map[string]*Log{}
	for name, o := range map[string]*redis.Options{"redis": services.Redis(b), "embedded": engine.Options()} {
		o.MaxRetries, o.ContextTimeoutEnabled = -1, true
		rdb := redis.NewClient(o)
		b.Cleanup(func() { _ = rdb.Close() })
		logs[name] = New(redisconn.Of(rdb), Options{})
	}
	return logs
}

// benchWriter returns a writer whose list exists.
func benchWriter(b *testing.B, l *Log, id string) *Writer {
	b.Helper()
	w, _, err := l.Begin(b.Context(), chat.Task{ID: id, Attempt: 1}, func() bool { return true })
	if err == nil {
		err = w.flush(b.Context())
	}
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// BenchmarkAppend measures a token from Add until Redis has it: for one stream, and for 64
// streams that share round trips.
func BenchmarkAppend(b *testing.B) {
	for name, l := range engines(b) {
		b.Run(name+"/one", func(b *testing.B) {
			w := benchWriter(b, l, "one"+strconv.Itoa(b.N))
			b.ReportAllocs()
			for b.Loop() {
				w.Add(chat.Chunk{Type: chat.ChunkContent, Content: " token"})
				if err := w.flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/shared", func(b *testing.B) {
			var n atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				w := benchWriter(b, l, "shared"+strconv.Itoa(b.N)+"-"+strconv.FormatInt(n.Add(1), 10))
				for pb.Next() {
					w.Add(chat.Chunk{Type: chat.ChunkContent, Content: " token"})
					if err := w.flush(b.Context()); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkSubscriber measures a chunk from the subscription to all its tails.
func BenchmarkSubscriber(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			l := New(redisconn.Of(nil), Options{})
			tails := make([]*Tail, n)
			for i := range tails {
				tails[i] = l.Tail("task", chat.Position{Attempt: 1, Index: 0})
				tails[i].confirmed, tails[i].reread = true, false
			}
			ctx := context.Background()
			b.ReportAllocs()
			index := 0
			for b.Loop() {
				index++
				c, err := chat.Chunk{Index: index, Attempt: 1, Type: chat.ChunkContent, Content: " token"}.Encode()
				if err != nil {
					b.Fatal(err)
				}
				l.subscription.Deliver(&redis.Message{Channel: l.opts.names.Channel("task"), Payload: c.JSON})
				for _, t := range tails {
					if got, err := t.Next(ctx, 0); err != nil || len(got) != 1 {
						b.Fatalf("%d chunks, %v", len(got), err)
					}
				}
			}
		})
	}
}

// BenchmarkUnpack measures how a late reader reads an ended stream of 10,000 chunks.
func BenchmarkUnpack(b *testing.B) {
	l := engines(b)["redis"]
	w := benchWriter(b, l, "ended")
	for range 10000 {
		if err := w.index(chat.Chunk{Type: chat.ChunkContent, Content: " token"}); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(b.Context(), chat.Chunk{Type: chat.ChunkDone}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		raw, err := l.unpack(b.Context(), "ended")
		if err != nil {
			b.Fatal(err)
		}
		if len(valid(raw, 0)) != 10001 {
			b.Fatal("not all of it")
		}
	}
}
