package daemon_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/internal/services"
)

// answersThrough starts a daemon on a Redis, lets it answer, and calls fail during an answer.
func answersThrough(t *testing.T, url string, fail func(acc chat.Accepted)) {
	t.Helper()
	cfg, log := usual(directory(t)), &book{}
	cfg.RedisURL, cfg.Logger, cfg.DemoSpeed = url, log.logger(), 100
	r := start(t, cfg)
	r.becomes("well", func(s string) bool { return s == "ok" })
	for range 5 {
		acc := r.submit("hello")
		if text, last := r.follow(acc, func() {}); text == "" || last.State != chat.TaskDone {
			t.Errorf("%q, %+v", text, last)
		}
	}
	acc := r.submit("count to 300")
	n := 0
	text, last := r.follow(acc, func() {
		if n++; n == 20 {
			fail(acc)
		}
	})
	messages, err := r.Messages(t.Context(), acc.ConversationID)
	r.must(err)
	if stored := messages[len(messages)-1].Content; text != stored || last.State != chat.TaskDone || last.Attempt != 1 {
		t.Errorf("followed %q and stored %q, %+v", text, stored, last)
	}
	r.becomes("well again", func(s string) bool { return s == "ok" })
	if text, last := r.follow(r.submit("hello"), func() {}); text == "" || last.State != chat.TaskDone {
		t.Errorf("afterwards: %q, %+v", text, last)
	}
}

func TestAnAnswerSurvivesTheEndOfAMasterOfACluster(t *testing.T) {
	t.Parallel()
	c := services.StartRedisCluster(t, 3)
	rdb := redis.NewClusterClient(&redis.ClusterOptions{Addrs: c.Addrs()})
	t.Cleanup(func() { _ = rdb.Close() })
	answersThrough(t, c.URL(), func(acc chat.Accepted) {
		server, err := rdb.MasterForKey(t.Context(), "stream:{"+acc.TaskID+"}")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Nodes {
			if n.Addr() == server.Options().Addr {
				if err := n.Kill(); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
		t.Fatalf("no node is at %s", server.Options().Addr)
	})
}

func TestAnAnswerSurvivesTheEndOfAWatchedServer(t *testing.T) {
	t.Parallel()
	s := services.StartRedisSentinel(t)
	answersThrough(t, s.URL(), func(chat.Accepted) {
		if err := s.Servers[0].Kill(); err != nil {
			t.Fatal(err)
		}
	})
}
