package daemon_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/internal/services"
	"chat/sql"
)

// journal is a log that any goroutine may write and read.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func TestTheRedisPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	const password = "hunter2-very-secret"
	for name, url := range map[string]string{
		"a wrong scheme":         "http://:" + password + "@127.0.0.1:1",
		"a wrong port":           "redis://:" + password + "@127.0.0.1:port",
		"a wrong database":       "redis://:" + password + "@127.0.0.1:1/many",
		"a wrong escape":         "redis://:" + password + "%zz@127.0.0.1:1",
		"a space":                "redis://:" + password + " @127.0.0.1:1",
		"an unknown parameter":   "redis://:" + password + "@127.0.0.1:1?perhaps=" + password,
		"nobody who listens":     "redis://chat:" + password + "@127.0.0.1:1",
		"one that knows no user": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if url == "" {
				server := services.StartRedis(t)
				admin := redis.NewClient(server.Options())
				if err := admin.ConfigSet(t.Context(), "requirepass", "another").Err(); err != nil {
					t.Fatal(err)
				}
				_ = admin.Close()
				url = "redis://:" + password + "@" + server.Addr()
			}
			var log journal
			cfg := usual(directory(t))
			cfg.RedisURL, cfg.Logger = url, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			r := launch(t, cfg)
			select {
			case <-r.done:
			default: // it serves without Redis
				r.answered(r.submit("hello"))
				r.stop()
			}
			if err := r.ended(); err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("the error has it: %v", err)
			}
			if text := log.String(); strings.Contains(text, password) || r.err == nil && !strings.Contains(text, "level=") {
				t.Errorf("the log has it, or there is none: %s", text)
			}
		})
	}
}

// A local daemon may use a database that others use, too: their tasks run on.
func TestLeasesInASharedDatabaseAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{
		"PostgreSQL": services.Postgres(t), "another file": "sqlite://" + directory(t) + "/shared.db",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := sql.Open(t.Context(), url, sql.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
			conv, err := store.CreateConversation(t.Context(), chat.LocalOwner, chat.Conversation{})
			if err != nil {
				t.Fatal(err)
			}
			acc, _, err := store.Submit(t.Context(), chat.LocalOwner, chat.Submission{ConversationID: conv.ID, Content: "hello"}, chat.SubmitOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if claims, err := store.Claim(t.Context(), "another", 1, false); err != nil || len(claims) != 1 {
				t.Fatal(claims, err)
			}
			cfg := usual(directory(t))
			cfg.DatabaseURL = url
			r := start(t, cfg)
			r.answered(r.submit("hello")) // its worker and its sweeper are at work
			task, err := store.Task(t.Context(), chat.LocalOwner, acc.TaskID)
			if err != nil || task.State != chat.TaskRunning || task.Worker != "another" || task.Attempt != 1 {
				t.Errorf("%+v, %v", task, err)
			}
		})
	}
}
