package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
	"chat/daemon"
)

// FuzzConfig reads whatever is in a config file and a .env file: it is taken, or
// refused with a sentence that names the file.
func FuzzConfig(f *testing.F) {
	f.Add("concurrency = 3\nlisten = [\"unix:///tmp/x\"]\nchunk_ttl = \"1h\"\n", "CHATD_ROLE=all\n")
	f.Add("concurrency = -1", "CHUNK_TTL='5")
	f.Add("[section]\nx = 1", "OPENAI_API_KEY=\"a\\nb\"")
	f.Add("log_level = \"loud\"", "# nothing\nexport CHATD_IDLE=0s")
	f.Add("allow_host = [1, 2, [3]]\nredis_url = 2026-11-23", "=\n==\n\x00")
	f.Fuzz(func(t *testing.T, config, dotenv string) {
		dir := t.TempDir()
		src := daemon.Sources{DotEnv: filepath.Join(dir, ".env"), ConfigFile: filepath.Join(dir, "config.toml")}
		for path, text := range map[string]string{src.DotEnv: dotenv, src.ConfigFile: config} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := daemon.LoadConfig(func(string) (string, bool) { return "", false }, src)
		if err == nil {
			return
		}
		if code := chat.CodeOf(err); code != chat.CodeInvalid && code != chat.CodeNotConfigured {
			t.Errorf("code %q: %v", code, err)
		}
		if len(strings.TrimSpace(err.Error())) < 10 {
			t.Errorf("a refusal that says nothing: %q", err)
		}
	})
}
