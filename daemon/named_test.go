package daemon_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chat"
	"chat/daemon"
)

// load reads a config file with an environment.
func load(t *testing.T, text string, env map[string]string) (daemon.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return daemon.LoadConfig(func(name string) (string, bool) { v, ok := env[name]; return v, ok }, daemon.Sources{ConfigFile: file})
}

func TestNamedProvidersAreReadInTheFilesOrder(t *testing.T) {
	c, err := load(t, `
model = "work/large"
[providers.work]
base_url = "https://llm.example.com/v1"
api_key = "env:WORK_KEY"
model = "large"
headers = { "x-team" = "search" }
[providers.groq]
api_key = "sk-2"
[providers."a.b"]
base_url = "http://[::1]:8000"
`, map[string]string{"WORK_KEY": " sk-1\n"})
	if err != nil || len(c.Named) != 3 {
		t.Fatalf("%v: %+v", err, c.Named)
	}
	work := c.Named[0]
	if work.Name != "work" || work.Key != "sk-1" || work.From.Key != "WORK_KEY" || work.Model != "large" || work.Headers["X-Team"] != "search" || work.Trouble != nil {
		t.Errorf("%+v", work)
	}
	if groq := c.Named[1]; groq.Name != "groq" || groq.BaseURL != "https://api.groq.com/openai/v1" || groq.Key != "sk-2" {
		t.Errorf("%+v", groq)
	}
	if c.Named[2].Name != "a.b" {
		t.Errorf("%+v", c.Named[2])
	}
	if secrets := strings.Join(c.Secrets(), " "); !strings.Contains(secrets, "sk-1") || !strings.Contains(secrets, "sk-2") || !strings.Contains(secrets, "search") {
		t.Errorf("secrets: %q", secrets)
	}
}

func TestAKeyInAVariableThatIsNotSetIsNamed(t *testing.T) {
	c, err := load(t, "[providers.work]\nbase_url = \"http://h\"\napi_key = \"env:WORK_KEY\"\n", nil)
	if err != nil || !chat.IsCode(c.Named[0].Trouble, chat.CodeNotConfigured) || !strings.Contains(c.Named[0].Trouble.Error(), "WORK_KEY") || c.Named[0].Key != "" {
		t.Errorf("%v: %+v", err, c.Named)
	}
}

func TestWhatIsWrongWithANamedProviderIsSaid(t *testing.T) {
	for text, want := range map[string]string{
		"providers = 3":                                       "must be tables",
		"[providers]\nwork = \"x\"":                           "a provider must be a table",
		"[providers.work]\napi_key = \"k\"":                   "it needs a base_url",
		"[providers.demo]\nbase_url = \"http://h\"":           "demo has this name",
		"[providers.\"a b\"]\nbase_url = \"http://h\"":        "letters, digits",
		"[providers.work]\nbase_url = 3":                      "providers.work.base_url",
		"[providers.work]\nbase_url = \"http://h:99999\"":     "port",
		"[providers.work]\nurl = \"http://h\"":                "its fields are kind, base_url",
		"[providers.groq]\napi_key = \"a b\"":                 "this is not a key",
		"[providers.groq]\napi = \"soap\"":                    "auto, completions or responses",
		"[providers.x]\nkind = \"anthropic\"\napi = \"auto\"": "only the kind openai",
		"[providers.groq]\nkind = \"gemini\"":                 "unknown kind",
		"[providers.groq]\nheaders = \"x\"":                   "must be a table",
		"[providers.groq]\nheaders = { \"a b\" = \"x\" }":     "not a header",
		"[providers.groq]\nheaders = { \"host\" = \"x\" }":    "set by the program",
		"[providers.groq]\nheaders = { \"x\" = \"a\\nb\" }":   "not a header",
		"[providers.groq]\nheaders = { \"x\" = 1 }":           "must be a string",
		"[providers." + strings.Repeat("x", 40) + "]\nkind=1": "1 to 32",
	} {
		if _, err := load(t, text+"\n", nil); !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n%v; want %q", text, err, want)
		}
	}
}

func TestTheKindOfAProvider(t *testing.T) {
	c, err := load(t, `
[providers.anthropic]
api_key = "sk-1"
[providers.work]
kind = "anthropic"
base_url = "https://llm.example.com"
[providers.other]
kind = "anthropic"
[providers.groq]
api_key = "sk-2"
`, nil)
	if err != nil || len(c.Named) != 4 {
		t.Fatalf("%v: %+v", err, c.Named)
	}
	for i, want := range []string{"anthropic https://api.anthropic.com", "anthropic https://llm.example.com", "anthropic https://api.anthropic.com", "openai https://api.groq.com/openai/v1"} {
		if got := c.Named[i].Kind + " " + c.Named[i].BaseURL; got != want {
			t.Errorf("%s: %s, want %s", c.Named[i].Name, got, want)
		}
	}
}

func TestTheEnvironmentConfiguresAnthropic(t *testing.T) {
	env := map[string]string{"ANTHROPIC_API_KEY": " sk-env\n", "ANTHROPIC_BASE_URL": "https://llm.example.com"}
	for text, want := range map[string]string{
		"":                                     "anthropic sk-env https://llm.example.com ANTHROPIC_API_KEY ANTHROPIC_BASE_URL",
		"[providers.groq]\napi_key = \"sk-1\"": "anthropic sk-env https://llm.example.com ANTHROPIC_API_KEY ANTHROPIC_BASE_URL",
		"[providers.anthropic]\napi_key = \"sk-file\"": "anthropic sk-file https://api.anthropic.com api_key of [providers.anthropic] in FILE the default base_url of [providers.anthropic] in FILE",
		"[providers.anthropic]\nmodel = \"m\"":         "anthropic sk-env https://api.anthropic.com ANTHROPIC_API_KEY the default base_url of [providers.anthropic] in FILE",
		"[providers.anthropic]\nkind = \"openai\"":     "anthropic  https://api.anthropic.com api_key of [providers.anthropic] in FILE the default base_url of [providers.anthropic] in FILE",
	} {
		c, err := load(t, text+"\n", env)
		if err != nil {
			t.Fatal(err)
		}
		p := c.Named[len(c.Named)-1]
		got := strings.Join([]string{p.Name, p.Key, p.BaseURL, p.From.Key, p.From.BaseURL}, " ")
		for _, word := range strings.Fields(got) {
			if strings.HasPrefix(word, "/") {
				got = strings.ReplaceAll(got, word, "FILE")
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
		if !strings.Contains(strings.Join(c.Secrets(), " "), p.Key) {
			t.Error("the key may be logged")
		}
	}
	if c, err := load(t, "", map[string]string{"ANTHROPIC_BASE_URL": "https://llm.example.com"}); err != nil || len(c.Named) != 0 {
		t.Errorf("%v, %+v", err, c.Named)
	}
	env["ANTHROPIC_BASE_URL"] = "ftp://h"
	if _, err := load(t, "", env); !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), "ANTHROPIC_BASE_URL") {
		t.Error(err)
	}
}
