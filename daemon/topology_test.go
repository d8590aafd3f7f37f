package daemon_test

import (
	"os"
	"strings"
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

// sufficientInACluster is what docs/operations.md says a user of a Cluster needs.
const sufficientInACluster = "~stream:* ~{queue}:* ~limit:* &stream:* &control +hello +auth +ping +multi +exec +watch +unwatch +discard +blpop +rpush +rpushx +ltrim +llen +lrange +del +get +set +time +hset +hget +pexpire +publish +subscribe +unsubscribe +spublish +ssubscribe +sunsubscribe +asking +command +cluster|slots"

// TestTheRightsInTheManualAreEnoughInACluster is TestTheRightsInTheManualAreEnough for it.
func TestTheRightsInTheManualAreEnoughInACluster(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), sufficientInACluster) {
		t.Error("docs/operations.md names other rights than this test")
	}
	c := services.StartRedisCluster(t, 3)
	admins := make([]*redis.Client, len(c.Nodes))
	for i, n := range c.Nodes {
		admins[i] = redis.NewClient(n.Options())
		t.Cleanup(func() { _ = admins[i].Close() })
		args := []any{"ACL", "SETUSER", "chat", "on", ">secret"}
		for right := range strings.FieldsSeq(sufficientInACluster) {
			args = append(args, right)
		}
		if err := admins[i].Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	cfg, log := usual(directory(t)), &book{}
	cfg.RedisURL, cfg.Logger = strings.Replace(c.URL(), "://", "://chat:secret@", 1), log.logger()
	r := start(t, cfg)
	r.becomes("well", func(s string) bool { return s == "ok" })
	for range 3 {
		acc := r.submit("hello")
		if text, last := r.follow(acc, func() {}); text == "" || last.State != chat.TaskDone {
			t.Errorf("%q, %+v", text, last)
		}
	}
	for _, admin := range admins {
		if refused := admin.Do(t.Context(), "ACL", "LOG").String(); strings.Contains(refused, "chat") && !strings.Contains(refused, "setname") {
			t.Errorf("refused: %s", refused)
		}
	}
	if lines := append(log.lines(`"WARN"`), log.lines(`"ERROR"`)...); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}
}
