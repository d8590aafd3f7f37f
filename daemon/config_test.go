package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/daemon"
	"chat/daemon/model/transport"
)

// sources writes the files of daemon.Sources; "" leaves one out.
func sources(t *testing.T, flags map[string]string, dotEnv, config string) daemon.Sources {
	t.Helper()
	dir := t.TempDir()
	src := daemon.Sources{Flags: flags, DotEnv: filepath.Join(dir, ".env"), ConfigFile: filepath.Join(dir, "config.toml")}
	for path, text := range map[string]string{src.DotEnv: dotEnv, src.ConfigFile: config} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return src
}

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

func TestTheFirstSourceThatHasASettingWins(t *testing.T) {
	t.Parallel()
	flags := map[string]string{"model": "from-flag"}
	vars := map[string]string{"CHAT_MODEL": "from-env"}
	const dotEnv, config = "CHAT_MODEL=from-dotenv\n", "model = 'from-file'\n"
	for _, tc := range []struct {
		want string
		vars map[string]string
		src  daemon.Sources
	}{
		{"from-flag", vars, sources(t, flags, dotEnv, config)},
		{"from-env", vars, sources(t, nil, dotEnv, config)},
		{"from-dotenv", nil, sources(t, nil, dotEnv, config)},
		{"from-file", nil, sources(t, nil, "", config)},
		{"", nil, sources(t, nil, "", "")},
		{"", nil, daemon.Sources{}},
	} {
		c, err := daemon.LoadConfig(env(tc.vars), tc.src)
		if err != nil || c.DefaultModel != tc.want {
			t.Errorf("got %q, %v; want %q", c.DefaultModel, err, tc.want)
		}
	}
}

// examples has a value for every setting, and, where there is one, a wrong one.
var examples = map[string]struct{ good, bad string }{
	"database-url": {"sqlite:///tmp/x.db", "mysql://x"}, "redis-url": {"redis://127.0.0.1:1/0", "127.0.0.1:6379"},
	"listen": {"unix:///tmp/s", "127.0.0.1:8080"}, "role": {"all", "chief"}, "api-key": {"sk-x", ""}, "base-url": {"http://x/v1", "https://user:secret@x/v1"}, "ca-file": {"/tmp/ca.pem", ""},
	"model": {"m", ""}, "titles": {"off", "always"}, "title-model": {"m", ""}, "discover": {"off", "perhaps"}, "demo-speed": {"7", "fast"}, "concurrency": {"7", "-1"},
	"chunk-ttl": {"90", "soon"}, "lease": {"20s", "-5s"}, "deadline": {"10m", "x"}, "drain": {"5", "1 h"}, "idle": {"0", "never"},
	"database-pool": {"7", "1.5"}, "redis-pool": {"7", "x"}, "max-streams": {"7", "many"},
	"allow-host": {"a.example, b.example", ""}, "allow-origin": {"https://a.example", "https://a.example/page"}, "token-file": {"/tmp/t", ""},
	"headers-timeout": {"30s", "soon"}, "first-token-timeout": {"90", "x"}, "token-timeout": {"2m", "-1s"},
	"provider-api": {"responses", "chat"}, "provider-copies": {"off", "perhaps"}, "compact": {"ask", "never"}, "temporary": {"48h", "x"}, "redis-ca-file": {"/tmp/ca", ""}, "access-log": {"on", "file"},
	"log-level": {"debug", "loud"}, "log-json": {"on", "json"},
}

func TestEverySettingComesFromEverySource(t *testing.T) {
	t.Parallel()
	for _, s := range daemon.Settings() {
		e, ok := examples[s.Name]
		if !ok {
			t.Errorf("--%s has no example here", s.Name)
			continue
		}
		key := strings.ReplaceAll(s.Name, "-", "_")
		var first string
		for name, load := range map[string]func(string) (daemon.Config, error){
			"--" + s.Name: func(v string) (daemon.Config, error) {
				return daemon.LoadConfig(env(nil), sources(t, map[string]string{s.Name: v}, "", ""))
			},
			s.Env: func(v string) (daemon.Config, error) {
				return daemon.LoadConfig(env(map[string]string{s.Env: v}), sources(t, nil, "", ""))
			},
			s.Env + " in ": func(v string) (daemon.Config, error) {
				return daemon.LoadConfig(env(nil), sources(t, nil, fmt.Sprintf("%s=%q\n", s.Env, v), ""))
			},
			key + " in ": func(v string) (daemon.Config, error) {
				return daemon.LoadConfig(env(nil), sources(t, nil, "", fmt.Sprintf("%s = %q\n", key, v)))
			},
		} {
			c, err := load(e.good)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			c.ProviderFrom = transport.Sources{} // which tells the sources apart
			got := fmt.Sprintf("%+v", c)
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("%s: %s, elsewhere %s", name, got, first)
			}
			if e.bad == "" {
				continue
			}
			_, err = load(e.bad)
			if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s %q: %v", name, e.bad, err)
			}
		}
		if unset, err := daemon.LoadConfig(env(nil), daemon.Sources{}); err != nil || s.Name != "role" && fmt.Sprintf("%+v", unset) == first {
			t.Errorf("%s has no effect (%v)", s.Name, err)
		}
	}
}

// Errors of the provider name the place where its settings are.
func TestTheProvidersSettingsKnowTheirPlaces(t *testing.T) {
	t.Parallel()
	const dotEnv, config = "OPENAI_API_KEY=sk-1\nOPENAI_BASE_URL=http://x/v1\n", "# mine\nmodel = 'm'\n\"base_url\" = 'http://x/v1'\n  api_key='sk-1'\n"
	file, both := sources(t, nil, "", config), sources(t, nil, dotEnv, config)
	for _, tc := range []struct {
		vars      map[string]string
		src       daemon.Sources
		base, key string
	}{
		{nil, file, "base_url in " + file.ConfigFile + ", line 3", "api_key in " + file.ConfigFile + ", line 4"},
		{nil, both, "OPENAI_BASE_URL in " + both.DotEnv, "OPENAI_API_KEY in " + both.DotEnv},
		{map[string]string{"OPENAI_BASE_URL": "http://y/v1"}, file, "OPENAI_BASE_URL", "api_key in " + file.ConfigFile + ", line 4"},
		{nil, sources(t, map[string]string{"base-url": "http://y/v1", "api-key": "sk-2"}, dotEnv, config), "--base-url", "--api-key"},
		{nil, daemon.Sources{}, "", ""},
	} {
		c, err := daemon.LoadConfig(env(tc.vars), tc.src)
		if want := (transport.Sources{BaseURL: tc.base, Key: tc.key}); err != nil || c.ProviderFrom != want {
			t.Errorf("%+v, %v; want %+v", c.ProviderFrom, err, want)
		}
	}
}

// A file of certificates is found from any directory: the local daemon's is /.
func TestPathsOfCertificatesAreFull(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/etc/ca.pem": "/etc/ca.pem", "~/ca.pem": "/home/me/ca.pem", "ca.pem": "DIR/ca.pem", "tls/ca.pem": "DIR/tls/ca.pem", "config_test.go": "config_test.go"} {
		src := sources(t, nil, "", fmt.Sprintf("ca_file = %q\n", path))
		c, err := daemon.LoadConfig(env(map[string]string{"HOME": "/home/me"}), src)
		if want = strings.Replace(want, "DIR", filepath.Dir(src.ConfigFile), 1); err != nil || c.ProviderCA != want {
			t.Errorf("%s: %s, %v; want %s", path, c.ProviderCA, err, want)
		}
	}
	if c, err := daemon.LoadConfig(env(map[string]string{"OPENAI_API_KEY": " sk-x\r\n"}), daemon.Sources{}); err != nil || c.ProviderKey != "sk-x" {
		t.Errorf("%q, %v", c.ProviderKey, err)
	}
}

func TestAnAddressThatIsNoneSaysHowToWriteIt(t *testing.T) {
	t.Parallel()
	for flag, list := range map[string]map[string]string{
		"listen": {
			"127.0.0.1:8080": "tcp://127.0.0.1:8080", "localhost:8080": "tcp://localhost:8080", ":8080": "tcp://127.0.0.1:8080",
			"[::1]:8080": "tcp://[::1]:8080", "8080": "tcp://127.0.0.1:8080", "/run/chat.sock": "unix:///run/chat.sock",
			"http://127.0.0.1:8080": "tcp://127.0.0.1:8080", "tcp://127.0.0.1": "tcp://host:port", "tcp://127.0.0.1:8080/x": "tcp://127.0.0.1:8080",
			"unix://run/s": "unix:///path", "tcp://127.0.0.1:http-alt-x": "tcp://host:port",
		},
		"allow-origin": {
			"*": "https://host", "a.example": "https://a.example", "https://a.example/": "https://a.example", "https://a.example/page": "https://a.example", "null": "https://host",
		},
	} {
		for v, want := range list {
			_, err := daemon.LoadConfig(env(nil), daemon.Sources{Flags: map[string]string{flag: v}})
			if !chat.IsCode(err, chat.CodeInvalid) || !strings.HasPrefix(err.Error(), "--"+flag+": ") || !strings.Contains(err.Error(), want) {
				t.Errorf("--%s %s: %v, want %s in it", flag, v, err, want)
			}
		}
	}
	for _, v := range []string{"tcp://127.0.0.1:8080", "tcp://:8080", "tcp://[::1]:0", "unix:///run/s, tcp://localhost:1"} {
		if _, err := daemon.LoadConfig(env(nil), daemon.Sources{Flags: map[string]string{"listen": v}}); err != nil {
			t.Errorf("--listen %s: %v", v, err)
		}
	}
	for _, v := range []string{"https://a.example", "http://localhost:3000", "chrome-extension://abc"} {
		if _, err := daemon.LoadConfig(env(nil), daemon.Sources{Flags: map[string]string{"allow-origin": v}}); err != nil {
			t.Errorf("--allow-origin %s: %v", v, err)
		}
	}
}

func TestTheFileHasTypes(t *testing.T) {
	t.Parallel()
	c, err := daemon.LoadConfig(env(nil), sources(t, nil, "", "concurrency = 7\ndiscover = false\nallow_host = ['a', 'b']\nchunk_ttl = 90\n"))
	if err != nil || c.Concurrency != 7 || c.Discover || len(c.AllowHosts) != 2 || c.ChunkTTL != 90*time.Second {
		t.Errorf("%+v, %v", c, err)
	}
}

// A process of one role must not offer the servers of its own machine: another process may
// make the answer.
func TestLocalServersAreLookedForByTheRoleAll(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]bool{"": true, "all": true, "api": false, "worker": false} {
		for _, discover := range []string{"", "on"} {
			c, err := daemon.LoadConfig(env(map[string]string{
				"CHATD_ROLE": role, "CHAT_DISCOVER": discover, "REDIS_URL": "redis://localhost", "DATABASE_URL": "postgres://localhost/chat",
			}), daemon.Sources{})
			if err != nil || c.Discover != want {
				t.Errorf("role %q, discover %q: %v, %v", role, discover, c.Discover, err)
			}
		}
	}
}

func TestCHUNK_TTL(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]time.Duration{
		"3600": time.Hour, "90": 90 * time.Second, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "1": time.Second, "0": 0, "": 0,
	} {
		if c, err := daemon.LoadConfig(env(map[string]string{"CHUNK_TTL": v}), daemon.Sources{}); err != nil || c.ChunkTTL != want {
			t.Errorf("%q: %s, %v", v, c.ChunkTTL, err)
		}
	}
	for _, v := range []string{"-1", "1.5", "500ms", "an hour", "1h 30m", "-1h"} {
		if _, err := daemon.LoadConfig(env(map[string]string{"CHUNK_TTL": v}), daemon.Sources{}); !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "CHUNK_TTL") {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestARoleOfItsOwnNeedsBothURLs(t *testing.T) {
	t.Parallel()
	const db, redis = "postgres://x/y", "redis://x"
	for _, role := range []string{"api", "worker"} {
		for _, vars := range []map[string]string{{}, {"DATABASE_URL": db}, {"REDIS_URL": redis}} {
			_, err := daemon.LoadConfig(env(vars), daemon.Sources{Flags: map[string]string{"role": role}})
			if !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), "--role "+role) {
				t.Errorf("%s with %v: %v", role, vars, err)
			}
		}
		if _, err := daemon.LoadConfig(env(map[string]string{"DATABASE_URL": db, "REDIS_URL": redis}), daemon.Sources{Flags: map[string]string{"role": role}}); err != nil {
			t.Error(err)
		}
	}
}

func TestAFileThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]daemon.Sources{
		".env": sources(t, nil, "this is not = 'an environment\n", ""), "config.toml": sources(t, nil, "", "model = \n"),
	} {
		if _, err := daemon.LoadConfig(env(nil), src); !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheTokenIsNoFlag(t *testing.T) {
	t.Parallel()
	for _, s := range daemon.Settings() {
		if s.Env == "CHATD_TOKEN" || s.Name == "token" {
			t.Error("a token on a command line is everybody's")
		}
	}
	src := sources(t, nil, "CHATD_TOKEN=from-dotenv\n", "")
	if c, err := daemon.LoadConfig(env(nil), src); err != nil || c.Token != "from-dotenv" {
		t.Errorf("%q, %v", c.Token, err)
	}
	if c, err := daemon.LoadConfig(env(map[string]string{"CHATD_TOKEN": "from-env"}), src); err != nil || c.Token != "from-env" {
		t.Errorf("%q, %v", c.Token, err)
	}
}

func TestConfigFileWithWhatIsNoSetting(t *testing.T) {
	for content, want := range map[string]string{
		"concurrancy = 7\n": "concurrancy", "drain = 1.5\n": "drain", "[model]\nname = \"x\"\n": "model", "concurrency = \"many": "config.toml",
	} {
		path := filepath.Join(t.TempDir(), "config.toml")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := daemon.LoadConfig(func(string) (string, bool) { return "", false }, daemon.Sources{ConfigFile: path})
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
	}
}
