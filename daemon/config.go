// Package daemon assembles the daemon. It reads the configuration, opens SQL and Redis (or
// their embedded replacements), and starts and stops the API, the worker and the sweeper in
// order.
package daemon

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"chat"
	"chat/daemon/model/network"
	"chat/daemon/model/openai"
	"chat/daemon/model/transport"
	"chat/daemon/redisconn"
	"chat/sql"
)

// Version is the program's version; releases set it with -ldflags.
var Version = "dev" //nolint:gochecknoglobals // set by the linker

// The range of protocol versions that this build speaks.
const (
	ProtocolMin = 2
	ProtocolMax = 2
)

// Role says which parts of the daemon a process runs.
type Role string

// The roles. All is both.
const (
	RoleAll    Role = "all"
	RoleAPI    Role = "api"
	RoleWorker Role = "worker"
)

// Config is the configuration of a daemon. LoadConfig reads it; the program sets the fields
// at the end.
type Config struct {
	DatabaseURL string // postgres://… or sqlite:///path; "" = SQLite in DataDir
	RedisURL    string // redis://…; "" = the embedded engine
	Listen      []string
	Role        Role

	ProviderKey  string
	ProviderURL  string
	ProviderFrom transport.Sources
	ProviderAPI  openai.API
	Copies       bool   // large attachments are uploaded once
	ProviderCA   string // file with certificate authorities that are trusted besides the system's
	Named        []NamedProvider
	DefaultModel string
	Titles       bool           // models write titles of conversations
	TitleModel   string         // that writes them; "" = an inexpensive one of the same provider
	Windows      map[string]int // the context of models, by name, in tokens
	Compact      chat.CompactMode
	Discover     bool
	DemoSpeed    int // tokens per second; 0 = as fast as can be

	Concurrency  int
	ChunkTTL     time.Duration
	Lease        time.Duration
	Deadline     time.Duration
	Temporary    time.Duration // how long a temporary conversation is kept
	Drain        time.Duration
	HeadersWait  time.Duration // the provider's limits; 0 = transport.DefaultLimits
	TokenWait    time.Duration
	IdleWait     time.Duration
	Idle         time.Duration // of a local daemon; 0 = it stays
	DatabasePool int
	RedisPool    int
	MaxStreams   int
	AllowHosts   []string
	AllowOrigins []string
	TokenFile    string
	Token        string
	LogLevel     slog.Level
	LogJSON      bool
	AccessLog    bool
	RedisCAFile  string

	// Set by the program.
	Reloads    <-chan Config // the settings after a reload; only the token takes effect
	KeyTrouble error         // why the configured ProviderKey is missing; see FetchKey
	Listener   net.Listener  // bound and peer-checked already; besides Listen
	Local      bool          // one daemon per data directory, on a unix socket
	DataDir    string
	Instance   string
	Logger     *slog.Logger
}

// Setting is one thing that a flag, an environment variable and a line of the
// config file can set.
type Setting struct {
	Name  string // of the flag; with _ for -, of the config file's key
	Env   string
	Usage string
	set   func(*Config, string) error
}

// Settings lists all settings, in the order in which help shows them.
func Settings() []Setting {
	return []Setting{
		{"database-url", "DATABASE_URL", "postgres://… with one or several hosts, or sqlite:///path (default: SQLite in the data directory)", checked(sql.CheckURL, func(c *Config) *string { return &c.DatabaseURL })},
		{"redis-url", "REDIS_URL", "redis://… (default: the embedded engine)", checked(checkRedisURL, func(c *Config) *string { return &c.RedisURL })},
		{"redis-ca-file", "CHATD_REDIS_CA_FILE", "file with the certificates (PEM) of the authorities that are trusted for rediss:// (default: the system's)", text(func(c *Config) *string { return &c.RedisCAFile })},
		{"listen", "CHATD_LISTEN", "unix:///path or tcp://host:port, several with commas", setListen},
		{"role", "CHATD_ROLE", "all, api or worker (default: all)", setRole},
		{"api-key", "OPENAI_API_KEY", "key of the provider; better in the environment than on a command line", text(func(c *Config) *string { return &c.ProviderKey })},
		{"base-url", "OPENAI_BASE_URL", "base URL of any OpenAI-compatible API", checked(network.CheckBaseURL, func(c *Config) *string { return &c.ProviderURL })},
		{"ca-file", "CHATD_PROVIDER_CA_FILE", "file with certificates of authorities that the provider's may come from, besides the system's", text(func(c *Config) *string { return &c.ProviderCA })},
		{"provider-api", "CHATD_PROVIDER_API", "how the provider is asked: completions, responses (OpenAI stores the answers then), or auto: responses if it is another chatd (default: auto)", setProviderAPI},
		{"provider-copies", "CHATD_PROVIDER_COPIES", "upload images and PDFs from 1 MiB once to OpenAI or Anthropic, which keep them until they are deleted here, instead of sending them with every message (default: on)", toggle(func(c *Config) *bool { return &c.Copies })},
		{"model", "CHAT_MODEL", "model for messages that name none", text(func(c *Config) *string { return &c.DefaultModel })},
		{"titles", "CHATD_TITLES", "model: a model writes the titles of conversations that the screen and the page begin; off: none does (default: model)", setTitles},
		{"title-model", "CHATD_TITLE_MODEL", "model that writes titles (default: an inexpensive one of the provider that answered, or the same model)", text(func(c *Config) *string { return &c.TitleModel })},
		{"compact", "CHAT_COMPACT", "what happens when a conversation exceeds the model's context: automatic (a summary), ask, or off (default: automatic)", setCompact},
		{"discover", "CHAT_DISCOVER", "look for Ollama, LM Studio and llama.cpp on their usual ports (default: on; only for role all)", toggle(func(c *Config) *bool { return &c.Discover })},
		{"demo-speed", "CHAT_DEMO_SPEED", "tokens per second of the demo model, 0 for no pause (default: 60)", number(func(c *Config) *int { return &c.DemoSpeed })},
		{"concurrency", "CHATD_CONCURRENCY", "answers that one worker generates at the same time (default: 256)", number(func(c *Config) *int { return &c.Concurrency })},
		{"chunk-ttl", "CHUNK_TTL", "how long a stream stays in Redis after its last chunk, in seconds or as 1h30m (default: 3600)", duration(func(c *Config) *time.Duration { return &c.ChunkTTL })},
		{"lease", "CHATD_LEASE", "how long a worker keeps a task without renewing its lease (default: 15s)", duration(func(c *Config) *time.Duration { return &c.Lease })},
		{"temporary", "CHATD_TEMPORARY", "how long a temporary conversation is kept after its last message (default: 24h)", duration(func(c *Config) *time.Duration { return &c.Temporary })},
		{"deadline", "CHATD_DEADLINE", "how long one attempt at an answer may take (default: 1h)", duration(func(c *Config) *time.Duration { return &c.Deadline })},
		{"headers-timeout", "CHATD_HEADERS_TIMEOUT", "how long a provider may take to respond at all (default: 2m)", duration(func(c *Config) *time.Duration { return &c.HeadersWait })},
		{"first-token-timeout", "CHATD_FIRST_TOKEN_TIMEOUT", "how long it may then take until the first token (default: 5m)", duration(func(c *Config) *time.Duration { return &c.TokenWait })},
		{"token-timeout", "CHATD_TOKEN_TIMEOUT", "how long it may pause between two tokens (default: 2m)", duration(func(c *Config) *time.Duration { return &c.IdleWait })},
		{"drain", "CHATD_DRAIN", "how long a shutdown waits for running answers (default: 20s)", duration(func(c *Config) *time.Duration { return &c.Drain })},
		{"idle", "CHATD_IDLE", "a local daemon ends after this time without work and clients, 0 for never (default: 30m)", duration(func(c *Config) *time.Duration { return &c.Idle })},
		{"database-pool", "CHATD_DATABASE_POOL", "connections to PostgreSQL (default: 16)", number(func(c *Config) *int { return &c.DatabasePool })},
		{"redis-pool", "CHATD_REDIS_POOL", "connections to Redis (default: 32)", number(func(c *Config) *int { return &c.RedisPool })},
		{"max-streams", "CHATD_MAX_STREAMS", "streams that one API process serves at the same time (default: 20000)", number(func(c *Config) *int { return &c.MaxStreams })},
		{"allow-host", "CHATD_ALLOW_HOST", "host names that requests over TCP may name, with commas", list(func(c *Config) *[]string { return &c.AllowHosts })},
		{"allow-origin", "CHATD_ALLOW_ORIGIN", "web origins that may call, with commas (default: none)", setOrigins},
		{"token-file", "CHATD_TOKEN_FILE", "file with the bearer token for TCP (default: token in the data directory, made if missing)", text(func(c *Config) *string { return &c.TokenFile })},
		{"log-level", "CHATD_LOG_LEVEL", "debug, info, warn or error (default: info)", func(c *Config, v string) error { return c.LogLevel.UnmarshalText([]byte(v)) }},
		{"log-json", "CHATD_LOG_JSON", "logs as JSON lines (default: off)", toggle(func(c *Config) *bool { return &c.LogJSON })},
		{"access-log", "CHATD_ACCESS_LOG", "a line in the log for each request, without queries, headers and bodies (default: off)", toggle(func(c *Config) *bool { return &c.AccessLog })},
	}
}

// tokenEnv is not a Setting: a token is never given on a command line.
const tokenEnv = "CHATD_TOKEN"

// Sources are the places that LoadConfig reads, besides the environment.
type Sources struct {
	Flags      map[string]string // by Setting.Name; wins over everything
	DotEnv     string            // path of a .env file; may be missing
	ConfigFile string            // path of a TOML file; may be missing
}

// LoadConfig reads flags, then the environment, then .env, then the config file;
// the first that has a setting wins. Errors are CodeInvalid and name the source.
func LoadConfig(lookup func(string) (string, bool), src Sources) (Config, error) {
	c := Config{
		Role: RoleAll, ProviderAPI: openai.Auto, Copies: true, Discover: true, Titles: true, DemoSpeed: 60, Idle: 30 * time.Minute, Drain: 20 * time.Second,
	}
	dotenv, err := readDotEnv(src.DotEnv)
	if err != nil {
		return c, err
	}
	file, named, err := readConfigFile(src.ConfigFile)
	if err != nil {
		return c, err
	}
	if c.Windows, err = readWindows(src.ConfigFile); err != nil {
		return c, err
	}
	for _, p := range named {
		p.locate(withDotEnv(lookup, dotenv), lookup, src.ConfigFile)
		c.Named = append(c.Named, p)
	}
	if c.Named, err = withAnthropic(c.Named, withDotEnv(lookup, dotenv)); err != nil {
		return c, err
	}
	for _, s := range Settings() {
		from := "--" + s.Name
		v, ok := src.Flags[s.Name]
		if !ok {
			from = s.Env
			v, ok = lookup(s.Env)
		}
		if !ok {
			from = s.Env + " in " + src.DotEnv
			v, ok = dotenv[s.Env]
		}
		if !ok {
			key := strings.ReplaceAll(s.Name, "-", "_")
			from = key + " in " + src.ConfigFile
			v, ok = file[key]
		}
		if !ok || v == "" {
			continue
		}
		c.found(s.Name, from, src.ConfigFile)
		if err := s.set(&c, v); err != nil {
			return c, chat.Errorf(chat.CodeInvalid, "%s: %w", from, err)
		}
	}
	c.ProviderKey = TrimKey(c.ProviderKey)
	c.ProviderCA = fullPath(c.ProviderCA, lookup, src.ConfigFile)
	// The processes of several machines must agree on what models there are.
	c.Discover = c.Discover && c.Role == RoleAll
	c.Token, _ = lookup(tokenEnv)
	if c.Token == "" {
		c.Token = dotenv[tokenEnv]
	}
	return c, c.validate()
}

// found records the source of a setting of the provider.
func (c *Config) found(name, from, configFile string) {
	switch name {
	case "base-url":
		c.ProviderFrom.BaseURL = withLine(from, configFile)
	case "api-key":
		c.ProviderFrom.Key = withLine(from, configFile)
	}
}

func (c Config) validate() error {
	if c.Role != RoleAll && (c.RedisURL == "" || c.DatabaseURL == "") {
		return chat.Errorf(chat.CodeNotConfigured, "--role %s needs REDIS_URL and DATABASE_URL: apart from each other, the parts meet there", c.Role)
	}
	if c.ChunkTTL < 0 || c.ChunkTTL > 0 && c.ChunkTTL < time.Second {
		return chat.Errorf(chat.CodeInvalid, "CHUNK_TTL must be at least one second")
	}
	return nil
}

func setRole(c *Config, v string) error {
	c.Role = Role(v)
	if !slices.Contains([]Role{RoleAll, RoleAPI, RoleWorker}, c.Role) {
		return fmt.Errorf("unknown role %q: use all, api or worker", v)
	}
	return nil
}

func setTitles(c *Config, v string) error {
	if v != "model" && v != "off" {
		return fmt.Errorf("%q is not a way to make titles: use model or off", v)
	}
	c.Titles = v == "model"
	return nil
}

func setProviderAPI(c *Config, v string) (err error) {
	c.ProviderAPI, err = parseAPI(v)
	return err
}

func parseAPI(v string) (openai.API, error) {
	api := openai.API(v)
	if !slices.Contains([]openai.API{openai.Auto, openai.Completions, openai.Responses}, api) {
		return "", fmt.Errorf("unknown API %q: use auto, completions or responses", v)
	}
	return api, nil
}

func text(field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error { *field(c) = v; return nil }
}

// checked is text that is refused where check has something against it.
func checked(check func(string) error, field func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if err := check(v); err != nil {
			return err
		}
		*field(c) = v
		return nil
	}
}

func checkRedisURL(url string) error {
	_, err := redisconn.Parse(url)
	return err
}

func list(field func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, v string) error {
		*field(c) = append(*field(c), parts(v)...)
		return nil
	}
}

func number(field func(*Config) *int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return fmt.Errorf("%q is not a number of 0 or more", v)
		}
		*field(c) = n
		return nil
	}
}

func toggle(field func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, v string) error {
		switch strings.ToLower(v) {
		case "1", "true", "on", "yes":
			*field(c) = true
		case "0", "false", "off", "no":
			*field(c) = false
		default:
			return fmt.Errorf("%q is neither on nor off", v)
		}
		return nil
	}
}

// duration takes Go's notation or a plain number of seconds.
func duration(field func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if n, nerr := strconv.Atoi(v); nerr == nil {
			d, err = time.Duration(n)*time.Second, nil
		}
		if err != nil || d < 0 {
			return fmt.Errorf("%q is not a duration: use 90s, 30m, or a number of seconds", v)
		}
		*field(c) = d
		return nil
	}
}

// compiledDir is the directory of the compiled reader of PDFs, "" if there is none.
func (c Config) compiledDir() string {
	dir, err := os.UserCacheDir()
	if err != nil { // a service without a home directory
		dir = c.DataDir
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "chat", "pdf")
}
