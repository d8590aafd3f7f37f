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

// sufficientOnSentinels is what docs/operations.md says a user of Sentinels needs.
const sufficientOnSentinels = "&+switch-master &+replica-reconf-done +hello +auth +ping +subscribe +unsubscribe +sentinel|get-master-addr-by-name +sentinel|sentinels"

// permit creates a user with these rights on a server. It returns a client with all rights.
func permit(t *testing.T, s *services.RedisServer, user, password, rights string) *redis.Client {
	t.Helper()
	admin := redis.NewClient(s.Options())
	t.Cleanup(func() { _ = admin.Close() })
	args := []any{"ACL", "SETUSER", user, "on", ">" + password}
	for right := range strings.FieldsSeq(rights) {
		args = append(args, right)
	}
	if err := admin.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	return admin
}

// inTheManual checks that docs/operations.md has the rights that a test gives.
func inTheManual(t *testing.T, rights string) {
	t.Helper()
	manual, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manual), rights) {
		t.Errorf("docs/operations.md names other rights than %s", rights)
	}
}

// refusedNothing checks that a server refused a user no command but those that describe a
// connection: CLIENT SETNAME and, from version 7.2 on, CLIENT SETINFO.
func refusedNothing(t *testing.T, admin *redis.Client, user string) {
	t.Helper()
	log, err := admin.ACLLog(t.Context(), 100).Result()
	if err != nil {
		t.Error(err)
	}
	for _, refused := range log {
		if refused.Username == user && refused.Object != "client|setname" && refused.Object != "client|setinfo" {
			t.Errorf("refused: %+v", *refused)
		}
	}
}

// TestTheRightsInTheManualAreEnoughInACluster is TestTheRightsInTheManualAreEnough for it.
func TestTheRightsInTheManualAreEnoughInACluster(t *testing.T) {
	t.Parallel()
	inTheManual(t, sufficientInACluster)
	c := services.StartRedisCluster(t, 3)
	var admins []*redis.Client
	for _, n := range c.Nodes {
		admins = append(admins, permit(t, n, "chat", "secret", sufficientInACluster))
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
		refusedNothing(t, admin, "chat")
	}
	if lines := append(log.lines(`"WARN"`), log.lines(`"ERROR"`)...); len(lines) > 0 {
		t.Errorf("the log has %q", lines)
	}
}

// TestTheRightsInTheManualAreEnoughBehindSentinels is the same, through a failover.
func TestTheRightsInTheManualAreEnoughBehindSentinels(t *testing.T) {
	t.Parallel()
	inTheManual(t, sufficientOnSentinels)
	s := services.StartRedisSentinel(t)
	var admins []*redis.Client // of those that are not killed
	for i, one := range s.Servers {
		if admin := permit(t, one, "chat", "secret", sufficient); i > 0 {
			admins = append(admins, admin)
		}
	}
	for _, one := range s.Sentinels {
		admin := permit(t, one, "watcher", "other", sufficientOnSentinels)
		admins = append(admins, admin)
		// The Sentinels are the default user of each other, which reads nothing of a master.
		if err := admin.Do(t.Context(), "ACL", "SETUSER", "default", "-sentinel|get-master-addr-by-name").Err(); err != nil {
			t.Fatal(err)
		}
	}
	answersThrough(t, strings.Replace(s.URL(), "://", "://chat:secret@", 1)+"?sentinel_username=watcher&sentinel_password=other", func(chat.Accepted) {
		if err := s.Servers[0].Kill(); err != nil {
			t.Fatal(err)
		}
	})
	for _, admin := range admins {
		refusedNothing(t, admin, "chat")
		refusedNothing(t, admin, "watcher")
	}
}
