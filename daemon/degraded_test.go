package daemon_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/internal/poll"
	"chat/internal/services"
)

// sufficient is what docs/operations.md says a Redis user needs.
const sufficient = "~stream:* ~queue:* ~limit:* &stream:* &control +hello +auth +ping +multi +exec +watch +unwatch +discard +blpop +rpush +rpushx +ltrim +llen +lrange +del +get +set +time +hset +hget +pexpire +publish +subscribe +unsubscribe"

// book keeps what a daemon logs.
type book struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(b, nil)) }

// lines are those with a text.
func (b *book) lines(with string) (found []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.text.String()) {
		if strings.Contains(line, with) {
			found = append(found, line)
		}
	}
	return found
}

// redisAs is a Redis server with a user "chat" of these rights, and its URL for that user.
func redisAs(t *testing.T, rights string) (admin *redis.Client, address string) {
	t.Helper()
	s := services.StartRedis(t, "--enable-protected-configs", "yes")
	return permit(t, s, "chat", "secret-of-chat", rights), "redis://chat:secret-of-chat@" + s.Addr() + "/0"
}

func (r *running) redisState() string {
	r.Helper()
	ready, err := r.Ready(r.Context())
	r.must(err)
	return ready.Redis
}

// becomes waits until readiness says so of Redis.
func (r *running) becomes(what string, is func(state string) bool) string {
	r.Helper()
	state := ""
	if !poll.Until(testTimeout, func() bool { state = r.redisState(); return is(state) }) {
		r.Fatalf("Redis never becomes %s; it is %q", what, state)
	}
	return state
}

func TestARefusingRedisIsReported(t *testing.T) {
	without := func(words ...string) string {
		rights := " " + sufficient + " "
		for _, w := range words {
			rights = strings.Replace(rights, " "+w+" ", " ", 1)
		}
		return rights
	}
	do := func(args ...any) func(*testing.T, *redis.Client) {
		return func(t *testing.T, admin *redis.Client) {
			if err := admin.Do(t.Context(), args...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	nothing := func(*testing.T, *redis.Client) {}
	for name, tc := range map[string]struct {
		rights string
		breaks func(*testing.T, *redis.Client)
		mends  []any // a command
		says   []string
	}{
		"no channels":             {"~* +@all resetchannels", nothing, []any{"ACL", "SETUSER", "chat", "&*"}, []string{"refuses", "subscriptions", "PUBLISH", "NOPERM"}},
		"no channels of streams":  {without("&stream:*"), nothing, []any{"ACL", "SETUSER", "chat", "&stream:*"}, []string{"subscriptions"}},
		"no control channel":      {without("&control"), nothing, []any{"ACL", "SETUSER", "chat", "&control"}, []string{"subscriptions", "PUBLISH"}},
		"no subscribe":            {without("+subscribe"), nothing, []any{"ACL", "SETUSER", "chat", "+subscribe"}, []string{"subscriptions"}},
		"no publish":              {without("+publish"), nothing, []any{"ACL", "SETUSER", "chat", "+publish"}, []string{"PUBLISH"}},
		"no blocking pop":         {without("+blpop"), nothing, []any{"ACL", "SETUSER", "chat", "+blpop"}, []string{"BLPOP"}},
		"no push":                 {without("+rpush"), nothing, []any{"ACL", "SETUSER", "chat", "+rpush"}, []string{"RPUSH"}},
		"no hashes":               {without("+hset", "+hget"), nothing, []any{"ACL", "SETUSER", "chat", "+hset", "+hget"}, []string{"HSET", "HGET"}},
		"no expiry":               {without("+pexpire"), nothing, []any{"ACL", "SETUSER", "chat", "+pexpire"}, []string{"PEXPIRE"}},
		"no transactions":         {without("+multi", "+exec", "+watch"), nothing, []any{"ACL", "SETUSER", "chat", "+multi", "+exec", "+watch"}, []string{"MULTI", "WATCH", "NOPERM"}},
		"no keys of streams":      {without("~stream:*"), nothing, []any{"ACL", "SETUSER", "chat", "~stream:*"}, []string{"SET", "LRANGE", "NOPERM"}},
		"no keys of queues":       {without("~queue:*"), nothing, []any{"ACL", "SETUSER", "chat", "~queue:*"}, []string{"LLEN", "NOPERM"}},
		"keys for reading only":   {without("~stream:*", "~queue:*") + " %R~stream:* %R~queue:*", nothing, []any{"ACL", "SETUSER", "chat", "~*"}, []string{"RPUSH", "NOPERM"}},
		"another password":        {sufficient, do("ACL", "SETUSER", "chat", "resetpass", ">another"), []any{"ACL", "SETUSER", "chat", ">secret-of-chat"}, []string{"refuses the login", "WRONGPASS"}},
		"a user that is disabled": {sufficient, do("ACL", "SETUSER", "chat", "off"), []any{"ACL", "SETUSER", "chat", "on"}, []string{"refuses the login"}},
		"no memory":               {sufficient, do("CONFIG", "SET", "maxmemory", "1"), []any{"CONFIG", "SET", "maxmemory", "0"}, []string{"refuses writes", "OOM"}},
		"a replica":               {sufficient, do("REPLICAOF", "127.0.0.1", "1"), []any{"REPLICAOF", "NO", "ONE"}, []string{"replica"}},
		"too few replicas":        {sufficient, do("CONFIG", "SET", "min-replicas-to-write", "1"), []any{"CONFIG", "SET", "min-replicas-to-write", "0"}, []string{"refuses writes", "NOREPLICAS"}},
		"a queue of another type": {sufficient, do("SET", "queue:urgent", "x"), []any{"DEL", "queue:urgent"}, []string{"queue:urgent", "WRONGTYPE"}},
		"snapshots that fail":     {sufficient, misconfigured, []any{"CONFIG", "SET", "stop-writes-on-bgsave-error", "no"}, []string{"refuses writes", "MISCONF"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin, address := redisAs(t, tc.rights)
			tc.breaks(t, admin)
			cfg, log := usual(directory(t)), &book{}
			cfg.RedisURL, cfg.Logger = address, log.logger()
			r := start(t, cfg)
			state := r.becomes("refusing", func(s string) bool { return s != "ok" && s != "down" })
			for _, word := range tc.says {
				if !strings.Contains(state, word) {
					t.Errorf("readiness says %q, without %q", state, word)
				}
			}
			if strings.ContainsAny(state, "\r\n") || len(state) > 400 {
				t.Errorf("no short sentence: %q", state)
			}
			st, err := r.Stats(t.Context())
			r.must(err)
			if st.Redis != state {
				t.Errorf("/stats says %q, /readyz %q", st.Redis, state)
			}
			if text, _ := r.follow(r.submit("hello"), func() {}); text == "" {
				t.Error("there is no answer meanwhile")
			}
			if lines := log.lines(`"Redis `); len(lines) != 1 || !strings.Contains(lines[0], "stream:*") || !strings.Contains(lines[0], `"control"`) || !strings.Contains(lines[0], "queue:*") {
				t.Errorf("the log has %d lines about it, of keys and channels: %q", len(lines), lines)
			}
			if n := len(log.lines("subscription was lost")); n > 2 {
				t.Errorf("the log says %d times that the subscription was lost", n)
			}
			if len(log.lines("secret-of-chat")) > 0 {
				t.Error("the log has the password")
			}
			do(tc.mends...)(t, admin)
			r.becomes("well again", func(s string) bool { return s == "ok" })
		})
	}
}

// misconfigured lets a snapshot fail.
func misconfigured(t *testing.T, admin *redis.Client) {
	t.Helper()
	for _, args := range [][]any{{"CONFIG", "SET", "save", "3600 1"}, {"CONFIG", "SET", "dbfilename", "temp-a-name.rdb"}, {"CONFIG", "SET", "dir", "/proc"}, {"BGSAVE"}} {
		if err := admin.Do(t.Context(), args...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	failed := func() bool {
		return strings.Contains(admin.Info(t.Context(), "persistence").Val(), "rdb_last_bgsave_status:err")
	}
	if !poll.Until(testTimeout, failed) {
		t.Fatal("the snapshot does not fail")
	}
}

// TestTheRightsInTheManualAreEnough: all of chat works with them, and nothing is refused.
func TestTheRightsInTheManualAreEnough(t *testing.T) {
	inTheManual(t, sufficient)
	for name, more := range map[string]string{"without statistics": "", "with statistics": " +info +dbsize +pttl"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admin, address := redisAs(t, sufficient+more)
			dir := directory(t)
			cfg, log := usual(dir), &book{}
			cfg.RedisURL, cfg.Logger = address, log.logger()
			r := start(t, cfg)
			if state := r.redisState(); state != "ok" {
				t.Errorf("readiness says %q", state)
			}
			for range 3 {
				acc := r.submit("hello")
				if text, last := r.follow(acc, func() {}); text == "" || last.State != chat.TaskDone {
					t.Errorf("%q, %+v", text, last)
				}
				if n := admin.Exists(t.Context(), "stream:"+acc.TaskID+":metadata").Val(); n != 1 {
					t.Error("the answer did not go through Redis")
				}
			}
			st, err := r.Stats(t.Context())
			r.must(err)
			if st.Redis != "ok" || st.Memory == nil || (st.Memory.Keys >= 0) != (more != "") {
				t.Errorf("/stats: %q, %+v", st.Redis, st.Memory)
			}
			if log := admin.Do(t.Context(), "ACL", "LOG").String(); more != "" && strings.Contains(log, "stream:") {
				t.Errorf("refused: %s", log)
			}
			if lines := append(log.lines(`"WARN"`), log.lines(`"ERROR"`)...); len(lines) > 0 {
				t.Errorf("the log has %q", lines)
			}
		})
	}
}

// TestConnectionsHaveAName, for those who look at CLIENT LIST or pg_stat_activity.
func TestConnectionsHaveAName(t *testing.T) {
	s := services.StartRedis(t)
	admin := redis.NewClient(s.Options())
	defer func() { _ = admin.Close() }() // the test is over
	for address, name := range map[string]string{s.URL(): "chatd", s.URL() + "?client_name=mine": "mine"} {
		cfg := usual(directory(t))
		cfg.RedisURL = address
		r := start(t, cfg)
		r.follow(r.submit("hello"), func() {})
		if list := admin.ClientList(t.Context()).Val(); !strings.Contains(list, "name="+name+" ") {
			t.Errorf("no %s in %s", name, list)
		}
	}
}

// TestAnotherKindOfRedisIsRefused: nodes of a Redis Cluster and Sentinels answer PING.
func TestAnotherKindOfRedisIsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"a node of a Redis Cluster": {[]string{"--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"}, "redis+cluster://"},
		"a Sentinel":                {[]string{"--sentinel"}, "redis+sentinel://"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := other(t, tc.args)
			cfg := usual(directory(t))
			cfg.RedisURL = s.URL()
			if err := launch(t, cfg).ended(); !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(fmt.Sprint(err), tc.says) {
				t.Errorf("it says %v", err)
			}
			if err := s.Kill(); err != nil {
				t.Fatal(err)
			}
			log := &book{}
			cfg.Logger = log.logger()
			r := start(t, cfg) // nothing is there
			r.becomes("down", func(state string) bool { return state == "down" })
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.becomes("refused", func(state string) bool { return strings.Contains(state, tc.says) })
			if n := len(log.lines(tc.says)); n != 1 {
				t.Errorf("the log says so %d times", n)
			}
		})
	}
}

// other is a redis-server of another kind. A Sentinel needs a file that it may write to.
func other(t *testing.T, args []string) *services.RedisServer {
	t.Helper()
	if args[0] == "--sentinel" {
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return services.StartRedisFrom(t, file, args...)
	}
	return services.StartRedis(t, args...)
}

// TestLogLinesOfOtherPackagesAreOurs: whatever goes wrong with Redis, --log-json means
// that each line is JSON.
func TestLogLinesOfOtherPackagesAreOurs(t *testing.T) {
	admin, address := redisAs(t, sufficient)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("chat", "wrong")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = write
	cfg, log := usual(directory(t)), &book{}
	cfg.RedisURL, cfg.Logger = u.String(), slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r := start(t, cfg)
	r.becomes("refusing", func(s string) bool { return strings.Contains(s, "login") })
	admin.Do(context.WithoutCancel(t.Context()), "CLIENT", "KILL", "TYPE", "normal")
	r.follow(r.submit("hello"), func() {})
	r.stop()
	r.must(r.ended())
	os.Stderr = stderr
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 1000)
	if n, _ := read.Read(raw); n > 0 {
		t.Errorf("on stderr there is %q", raw[:n])
	}
	for _, line := range log.lines("") {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %q", line)
		}
	}
}
