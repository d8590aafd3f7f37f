package chunklog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/redisconn"
	"chat/internal/poll"
	"chat/internal/services"
)

// separable is a log on a Cluster of which a master can be separated from the other nodes. Such a
// master still responds to clients: it refuses their commands, and keeps their subscriptions, on
// which nothing arrives any more.
type separable struct {
	cluster *services.RedisCluster
	client  *redisconn.Client
	log     *chunklog.Log
	ctx     context.Context // ends with the test
}

func newSeparable(t *testing.T) *separable {
	t.Helper()
	s := &separable{cluster: services.StartRedisCluster(t, 3)}
	address, err := redisconn.Parse(s.cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	s.client = address.Open(10)
	t.Cleanup(func() { _ = s.client.Close() })
	s.log = chunklog.New(s.client, chunklog.Options{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s.ctx = ctx
	ended := make(chan struct{})
	go func() { defer close(ended); s.log.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return s
}

// separate separates the master that has a key, and waits until its replica has replaced it.
func (s *separable) separate(t *testing.T, key string) {
	t.Helper()
	server, err := s.client.ServerOf(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for i, master := range s.cluster.Nodes[:3] {
		if master.Addr() != server.Options().Addr {
			continue
		}
		s.cluster.Separate(master)
		if !poll.Until(30*time.Second, func() bool { return s.cluster.IsMaster(t.Context(), s.cluster.Nodes[3+i]) }) {
			t.Fatal("the replica was not promoted")
		}
	}
}

func TestWritersAndReadersLeaveASeparatedMaster(t *testing.T) {
	t.Parallel()
	s := newSeparable(t)
	task := chat.Task{ID: "0199-separated", Attempt: 1, Model: "m", MessageID: "msg"}
	writer, _, err := s.log.Begin(s.ctx, task, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = writer.Run(s.ctx) }()
	t.Cleanup(func() { writer.Stop(); <-ended })
	tail := s.log.Tail(task.ID, chat.Start())
	defer tail.Close()
	arrives := func(within time.Duration) {
		t.Helper()
		began := time.Now()
		writer.Add(chat.Chunk{Type: chat.ChunkContent, Content: "word "})
		if chunks, err := tail.Next(t.Context(), 3*within); len(chunks) == 0 || time.Since(began) > within {
			t.Errorf("%d chunks after %s: %v", len(chunks), time.Since(began), err)
		}
	}
	arrives(5 * time.Second)
	key := s.client.Names().Chunks(task.ID)
	s.separate(t, key)
	if !poll.Until(3*time.Second, func() bool { return s.client.LLen(t.Context(), key).Err() == nil }) {
		t.Error("commands still go to the old master after 3 s")
	}
	arrives(8 * time.Second)
}

// TestEventsLeaveASeparatedMaster: the connection for events is replaced when the checks of Redis
// find that nothing arrives on it.
func TestEventsLeaveASeparatedMaster(t *testing.T) {
	t.Parallel()
	s := newSeparable(t)
	events := make(chan struct{}, 1)
	s.log.OnEvent(func(chat.TaskEvent) {
		select {
		case events <- struct{}{}:
		default:
		}
	})
	// arrives does what the checks of Redis do, and publishes an event.
	arrives := func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := s.client.Servers(ctx, func(ctx context.Context, server *redis.Client) error { return server.Ping(ctx).Err() })
		err = errors.Join(err, s.log.Echo(ctx))
		if err != nil || s.log.Publish(t.Context(), chat.TaskEvent{Type: chat.EventEnded, TaskID: "0199-separated"}) != nil {
			return false
		}
		select {
		case <-events:
			return true
		case <-time.After(time.Second):
			return false
		}
	}
	if !poll.Until(5*time.Second, arrives) {
		t.Fatal("no event arrives on a Cluster that is well")
	}
	s.separate(t, s.client.Names().Control())
	if !poll.Until(15*time.Second, arrives) {
		t.Error("no event arrives")
	}
}
