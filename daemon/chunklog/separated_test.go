package chunklog_test

import (
	"context"
	"testing"
	"time"

	"chat"
	"chat/daemon/chunklog"
	"chat/daemon/redisconn"
	"chat/internal/poll"
	"chat/internal/services"
)

// A master that is separated from the other nodes of a Cluster still responds to clients: it
// refuses their commands, and keeps their subscriptions, on which nothing arrives any more.
func TestWritersAndReadersLeaveASeparatedMaster(t *testing.T) {
	t.Parallel()
	cluster := services.StartRedisCluster(t, 3)
	address, err := redisconn.Parse(cluster.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := address.Open(10)
	t.Cleanup(func() { _ = client.Close() })
	log := chunklog.New(client, chunklog.Options{})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{}, 2)
	go func() { log.Run(ctx); ended <- struct{}{} }()

	task := chat.Task{ID: "0199-separated", Attempt: 1, Model: "m", MessageID: "msg"}
	writer, _, err := log.Begin(ctx, task, func() bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = writer.Run(ctx); ended <- struct{}{} }()
	t.Cleanup(func() { cancel(); <-ended; <-ended })
	tail := log.Tail(task.ID, chat.Start())
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

	key := client.Names().Chunks(task.ID)
	server, err := client.ServerOf(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for i, master := range cluster.Nodes[:3] {
		if master.Addr() == server.Options().Addr {
			cluster.Separate(master)
			if !poll.Until(30*time.Second, func() bool { return cluster.IsMaster(t.Context(), cluster.Nodes[3+i]) }) {
				t.Fatal("the replica was not promoted")
			}
		}
	}
	if !poll.Until(3*time.Second, func() bool { return client.LLen(t.Context(), key).Err() == nil }) {
		t.Error("commands still go to the old master after 3 s")
	}
	arrives(8 * time.Second)
}
