package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chat/internal/cli/exit"
)

// TestTheDoctorAsksTheProvider looks at findings without a daemon.
func TestTheDoctorAsksTheProvider(t *testing.T) {
	list := `{"object":"list","data":[{"id":"m1","object":"model"},{"id":"m2","object":"model"}]}`
	strict := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer sk-right-key-000000" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided"}}`)
			return
		}
		_, _ = io.WriteString(w, list)
	}))
	defer strict.Close()
	public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, list) }))
	defer public.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct {
		config string
		mode   os.FileMode
		env    map[string]string
		code   int
		want   []string
	}{
		"a wrong key": {
			env: map[string]string{"OPENAI_BASE_URL": strict.URL + "/v1", "OPENAI_API_KEY": "sk-wrong-key-000000"}, code: 4,
			want: []string{`ok +daemon +not running`, `ok +provider +` + strict.URL + `/v1 \(from \$OPENAI_BASE_URL\), key ••••0000 \(from \$OPENAI_API_KEY\)`, `WRONG +key .*key`},
		},
		"a right key": {
			env:  map[string]string{"OPENAI_BASE_URL": strict.URL + "/v1", "OPENAI_API_KEY": "sk-right-key-000000", "CHAT_MODEL": "m2"},
			want: []string{`ok +provider .*model m2 \(from \$CHAT_MODEL\)`, `ok +models +2 models, m2 by default`, `ok +key +the provider accepts it`},
		},
		"a wrong key in the file": {
			config: "base_url = \"" + strict.URL + "/v1\"\napi_key = \"sk-wrong-key-000000\"\n", mode: 0o600, code: 4,
			want: []string{`ok +provider +` + strict.URL + `/v1 \(from config.toml\), key ••••0000 \(from config.toml\)`, `WRONG +key `},
		},
		"a list for everybody": {
			env:  map[string]string{"OPENAI_BASE_URL": public.URL, "OPENAI_API_KEY": "sk-any-key-00000000"},
			want: []string{`ok +models +2 models, m1 by default`, `ok +key +the provider accepts it`},
		},
		"no key": {
			env:  map[string]string{"OPENAI_BASE_URL": public.URL},
			want: []string{`ok +provider +.*, without a key`, `skip +key +not checked: there is no key`},
		},
		"nobody there": {
			env: map[string]string{"OPENAI_BASE_URL": gone.URL}, code: 6, want: []string{`WRONG +models +.*` + strings.TrimPrefix(gone.URL, "http://")},
		},
		"no URL": {
			env: map[string]string{"OPENAI_BASE_URL": "x"}, code: 2, want: []string{`WRONG +provider +not checked: OPENAI_BASE_URL: `},
		},
		"a key that others can read": {
			config: "base_url = \"" + public.URL + "\"\napi_key = \"sk-any-key-00000000\"\n", mode: 0o644, code: 2,
			want: []string{`WRONG +secrets +others can read .*config.toml \(its mode is 0644\): chmod 600 .*config.toml, because it contains api_key`},
		},
		"a password that the group can read": {
			config: "database_url = \"postgres://u:secret@db/chat\"\n", mode: 0o640, code: 2, want: []string{`WRONG +secrets .*because it contains database_url`},
		},
		"nothing secret":  {config: "model = \"demo\"\n", mode: 0o644, want: []string{`ok +settings +1 setting`}},
		"nothing at all":  {want: []string{`skip +provider +none is set, and chat does not search for local servers \(discover is off in \$CHAT_DISCOVER\)`, `note +models +only the built-in demo`}},
		"a broken config": {config: "concurrency = \"many\"\n", mode: 0o600, code: 2, want: []string{`WRONG +settings .*config.toml:1: concurrency`, `WRONG +provider +not checked: `}},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			env := map[string]string{"HOME": home, "CHAT_HOST": "", "CHAT_DISCOVER": "off", "LANG": "C.UTF-8"}
			for k, v := range c.env {
				env[k] = v
			}
			if c.config != "" {
				path := filepath.Join(home, ".config", "chat", "config.toml")
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(c.config), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(path, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			got := startIn(t, nil, devNull(t), env, "doctor")
			if got.code != c.code {
				t.Errorf("exit code %d, want %d", got.code, c.code)
			}
			for _, want := range c.want {
				if !regexp.MustCompile(`(?m)^` + want).MatchString(got.out) {
					t.Errorf("want %s in\n%s", want, got.out)
				}
			}
			if strings.Contains(got.out, "key-000") || strings.Contains(got.out, "secret@") {
				t.Errorf("a secret is shown:\n%s", got.out)
			}
			if _, err := os.Stat(filepath.Join(home, ".local")); err == nil {
				t.Error("it made directories")
			}
			check := startIn(t, nil, devNull(t), env, "config", "check")
			if c.config != "" && (strings.Contains(got.out, "WRONG  settings") || strings.Contains(got.out, "WRONG  secrets")) != (check.code == exit.Usage) {
				t.Errorf("config check finds something else: %d, %s", check.code, check.stderr)
			}
		})
	}
}
