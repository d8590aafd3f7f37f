package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"chat/internal/services"
)

// homes are directories in which chatd can keep nothing.
func homes(t *testing.T) map[string]map[string]string {
	t.Helper()
	locked := filepath.Join(own(t), "locked")
	if err := os.Mkdir(locked, 0o700); err != nil { // of the tests' own user
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		if err := os.Chmod(locked, 0o500); err != nil { // to be entered, and not written
			t.Fatal(err)
		}
	}
	return map[string]map[string]string{
		"none": {}, "empty": {"HOME": ""}, "relative": {"HOME": "home"}, "missing": {"HOME": "/nonexistent"}, "a file": {"HOME": "/dev/null"},
		"not to be written": {"HOME": locked}, "the root": {"HOME": "/"},
		"XDG missing": {"XDG_DATA_HOME": "/nonexistent/a", "XDG_STATE_HOME": "/nonexistent/b", "XDG_CONFIG_HOME": "/nonexistent/c"},
	}
}

func with(env map[string]string, more ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i+1 < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// With a database, a Redis and a token, chatd needs no directory at all.
func TestServersNeedNoDirectory(t *testing.T) {
	t.Parallel()
	redis := services.StartRedis(t)
	needed := []string{"DATABASE_URL", services.Postgres(t), "REDIS_URL", redis.URL(), "CHATD_TOKEN", token, "CHAT_DISCOVER", "off"}
	for name, env := range homes(t) {
		t.Run(name, func(t *testing.T) {
			env := with(env, needed...)
			all, front, work := free(t), free(t), chatd(t, "/", env, "--role", "worker")
			one := chatd(t, "/", env, "--listen", "tcp://"+all)
			api := chatd(t, "/", env, "--role", "api", "--listen", "tcp://"+front)
			one.serves(all)
			api.serves(front)
			work.says("msg=ready")
			if one.get(all, "/tasks", token) != 200 || api.get(front, "/tasks", token) != 200 {
				t.Error("the token is not taken")
			}
			for _, p := range []*process{work, one, api} {
				p.signal(syscall.SIGTERM)
				p.exits(0)
			}
		})
	}
}

// A directory that is needed, and why, is said.
func TestADirectoryThatIsNeededIsNamed(t *testing.T) {
	t.Parallel()
	database := "sqlite://" + filepath.Join(own(t), "chat.db")
	for _, tc := range []struct {
		name string
		env  []string
		args []string
		code int
		says string
	}{
		{"nothing is set", nil, nil, exitUnconfigued, "DATABASE_URL"},
		{"a local daemon", []string{"DATABASE_URL", database}, nil, exitUnconfigued, "--listen tcp://"},
		{"the token's file", []string{"DATABASE_URL", database}, []string{"--listen", "tcp://127.0.0.1:0"}, exitUnconfigued, "CHATD_TOKEN"},
		{"the database", []string{"CHATD_TOKEN", token}, []string{"--listen", "tcp://127.0.0.1:0"}, exitUnconfigued, "DATABASE_URL"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := chatd(t, "/", with(map[string]string{"CHAT_DISCOVER": "off"}, tc.env...), tc.args...)
			if said := p.exits(tc.code); !strings.Contains(said, tc.says) || strings.Count(said, "\n") > 2 {
				t.Errorf("it says %q, want %q", said, tc.says)
			}
		})
	}
	p := chatd(t, "/", map[string]string{"HOME": "/nonexistent", "DATABASE_URL": database}, "--listen", "tcp://127.0.0.1:0")
	if said := p.exits(exitDaemon); !strings.Contains(said, "set CHATD_TOKEN") {
		t.Errorf("it says %q", said)
	}
}

// What needs no token needs no place for one either.
func TestASocketOrATokenFileNeedsNoHome(t *testing.T) {
	t.Parallel()
	dir, address := own(t), free(t)
	write(t, filepath.Join(dir, "secret"), token+"\n", 0o400)
	env := map[string]string{"DATABASE_URL": "sqlite://" + filepath.Join(dir, "chat.db"), "CHAT_DISCOVER": "off"}
	socket := chatd(t, "/", env, "--listen", "unix://"+filepath.Join(dir, "s"))
	socket.says("msg=ready")
	socket.signal(syscall.SIGTERM)
	socket.exits(0)
	p := chatd(t, "/", env, "--listen", "tcp://"+address, "--token-file", filepath.Join(dir, "secret"))
	p.serves(address)
	if p.get(address, "/tasks", token) != 200 {
		t.Error("the token is not taken")
	}
}
