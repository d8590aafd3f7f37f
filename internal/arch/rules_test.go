package arch

// rule says what a package may import besides the standard library.
type rule struct {
	// may lists import paths; one that ends in "/" allows all that begin with it.
	may []string
	why string
}

const (
	goRedis = "github.com/redis/go-redis/v9"
	goUUID  = "github.com/google/uuid"
	charm   = "github.com/charmbracelet/"
	xSync   = "golang.org/x/sync/"
	// strictJSON becomes encoding/json/v2 with Go 1.27.
	strictJSON = "github.com/go-json-experiment/json"

	crashPoints = "chat/internal/crash" // empty functions in a normal build
)

// rules are all packages of the module, from the domain outwards.
var rules = map[string]rule{
	"chat": {
		nil,
		"the domain: everything imports it, so it imports nothing and does no I/O",
	},
	"chat/sse": {
		[]string{"chat"},
		"the only place where a chunk becomes a frame, for the server and the client alike",
	},

	"chat/sql": {
		[]string{"chat", goUUID, "github.com/jmoiron/sqlx", "github.com/lib/pq", "modernc.org/sqlite", "github.com/pressly/goose/v3"},
		"the record: it knows databases, and nothing of Redis, HTTP or providers",
	},
	"chat/sql/sqltest": {
		[]string{"chat", "chat/sql"},
		"what a store promises, for tests of any database",
	},

	"chat/internal/poll": {
		nil,
		"waiting in tests, in one place",
	},
	"chat/internal/lazyregexp": {
		nil,
		"regular expressions that cost no start of the program",
	},
	"chat/daemon/keys": {
		[]string{"chat"},
		"every Redis key is named in one file",
	},
	"chat/daemon/wakeup": {
		[]string{"chat", "chat/daemon/keys", goRedis},
		"wake-ups only: which task is next is decided in SQL",
	},
	"chat/daemon/redischeck": {
		[]string{"chat", "chat/daemon/keys", goRedis},
		"whether Redis does what is needed of it, which PING does not tell",
	},
	"chat/daemon/chunklog": {
		[]string{"chat", "chat/daemon/keys", crashPoints, goRedis, "github.com/klauspost/compress/zstd"},
		"the fast path of a live stream: it knows Redis, and nothing of SQL or HTTP",
	},
	"chat/daemon/chunklog/chunklogtest": {
		[]string{"chat", "chat/daemon/chunklog", "chat/daemon/keys", goRedis},
		"what a chunk log promises, for tests of any engine",
	},
	"chat/daemon/embedded": {
		[]string{goRedis, goRedis + "/maintnotifications", "github.com/alicebob/miniredis/v2", "github.com/alicebob/miniredis/v2/server"},
		"the one place that knows miniredis; everyone else sees a Redis client",
	},
	"chat/daemon/embedded/enginetest": {
		[]string{goRedis},
		"what an engine promises, for the embedded one and a real Redis",
	},

	"chat/daemon/model": {
		[]string{"chat"},
		"what a model is to the worker: a request, and the events of its answer",
	},
	"chat/daemon/provider": {
		[]string{"chat", "chat/daemon/model", "chat/internal/lazyregexp", "chat/sse", "chat/daemon/provider/demo", "github.com/sashabaranov/go-openai", "github.com/xrash/smetrics"},
		"servers that answer as OpenAI does: it knows neither tasks nor storage",
	},
	"chat/daemon/provider/demo": {
		nil,
		"the model that answers when there is no other, behind the same wire as any",
	},
	"chat/daemon/provider/providertest": {
		nil,
		"a provider that lies on command, for tests",
	},
	"chat/daemon/provider/providertest/lying": {
		[]string{"chat/daemon/provider/providertest"},
		"the lying provider as a program",
	},

	"chat/daemon/keyring": {
		[]string{"chat", "github.com/zalando/go-keyring"},
		"the one place that knows the system's keyring, and waits for it no longer than it should",
	},
	"chat/daemon/worker": {
		[]string{"chat", "chat/daemon/model", crashPoints},
		"the life of a task: it declares the interfaces it needs, so that every fault can be injected",
	},
	"chat/daemon/follow": {
		[]string{"chat"},
		"reads an answer wherever it is, for every wire format: knows no bytes and no socket",
	},
	"chat/daemon/api": {
		[]string{"chat", "chat/sse", "chat/daemon/follow", crashPoints, goUUID, strictJSON, strictJSON + "/jsontext"},
		"handlers and auth: it declares the interfaces it needs, and never sees Redis or SQL",
	},
	"chat/daemon/client": {
		[]string{"chat", "chat/sse", goUUID},
		"the other end of the protocol: it must work against any server",
	},
	"chat/daemon/local": {
		[]string{"chat", "chat/daemon/client", "golang.org/x/sys/unix"},
		"finds or starts the local daemon: the rest of the daemon is another process",
	},
	"chat/daemon": {
		[]string{"chat", "chat/sql", "chat/daemon/", goRedis, goRedis + "/maintnotifications", "github.com/BurntSushi/toml", "github.com/joho/godotenv"},
		"configuration and wiring: the one place that sees all parts",
	},

	"chat/tui": {
		[]string{"chat", "chat/tui/", "chat/internal/term/", "chat/internal/thread", charm},
		"a model of a screen behind a Backend interface: no HTTP, no daemon",
	},
	"chat/tui/plain": {
		[]string{"chat", "chat/internal/term/citation", "chat/internal/term/sanitize", "github.com/muesli/cancelreader"},
		"a conversation in lines, for screen readers: knows no screen",
	},
	"chat/internal/term/markdown": {
		[]string{"chat/internal/term/citation", "chat/internal/term/sanitize", "chat/internal/term/highlight", charm, "github.com/yuin/goldmark/"},
		"Markdown to styled lines: a function of text and width",
	},
	"chat/internal/term/highlight": {
		nil,
		"tells the parts of code apart: a function of a line and a few bytes of state",
	},
	"chat/internal/term/sanitize": {
		nil,
		"the one border that text of a model crosses to reach a terminal",
	},
	"chat/internal/term/citation": {
		nil,
		"takes out of an answer what only its provider's page can show: a function of the text",
	},
	"chat/internal/term/sanitize/hostile": {
		[]string{charm},
		"texts against terminals and the check of what is shown of them, for tests of any screen",
	},
	"chat/internal/term/background": {
		[]string{charm},
		"says whether the terminal is dark, and asks nobody else",
	},

	"chat/internal/term/theme": {
		[]string{"chat", "chat/internal/term/highlight", "chat/internal/term/markdown"},
		"colours, in one place",
	},
	"chat/tui/transcript": {
		[]string{"chat", "chat/internal/term/attach", "chat/internal/term/citation", "chat/internal/term/markdown", "chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"draws messages: a function of the conversation and the width",
	},
	"chat/tui/composer": {
		[]string{"chat/internal/term/sanitize", charm},
		"edits the next message: it does not know who sends it",
	},
	"chat/internal/term/charset": {
		nil,
		"reads the texts of other programs: bytes to UTF-8, or the reason why not",
	},
	"chat/internal/term/editor": {
		[]string{"chat", "chat/internal/term/charset"},
		"runs the user's editor on a text: it knows neither the screen nor what the text is for",
	},
	"chat/internal/term/attach": {
		[]string{"chat", "chat/internal/term/charset"},
		"finds, reads and recognises the files of messages: it knows no screen",
	},
	"chat/tui/clipboard": {
		[]string{"chat"},
		"copies text by the best way there is: it knows no screen",
	},
	"chat/tui/drafts": {
		[]string{"chat"},
		"what was written but not sent, on disk: it knows no screen",
	},
	"chat/internal/term/keyboard": {
		[]string{"golang.org/x/sys/unix"},
		"tells what is typed from what the terminal says: it knows no screen",
	},
	"chat/internal/term/paint": {
		[]string{charm},
		"puts views on a terminal: it does not know of what",
	},
	"chat/tui/panel": {
		[]string{"chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"a list to choose from: it does not know of what",
	},
	"chat/tui/top": {
		[]string{"chat", "chat/internal/term/background", "chat/internal/term/keyboard", "chat/internal/term/paint", "chat/internal/term/sanitize", "chat/internal/term/theme", charm},
		"how a server stands, live: it knows no HTTP",
	},
	"chat/internal/thread": {
		[]string{"chat"},
		"the way through a tree of messages",
	},
	"chat/tui/follow": {
		[]string{"chat"},
		"turns streams into batches a screen can draw: it knows no HTTP",
	},

	"chat/cmd/chat": {
		[]string{"chat", "chat/sse", "chat/daemon", "chat/daemon/client", "chat/daemon/keyring", "chat/daemon/local", "chat/tui", "chat/tui/", "chat/internal/term/", "chat/internal/thread", charm, goUUID, "golang.org/x/sys/unix", "github.com/BurntSushi/toml", "github.com/urfave/cli/v2", "github.com/xrash/smetrics"},
		"the program: it speaks to a daemon through the client, even when it is its own",
	},
	"chat/cmd/chatd": {
		[]string{"chat", "chat/daemon", "chat/daemon/client", "chat/daemon/local", goUUID, "github.com/urfave/cli/v2"},
		"the server's program: flags and exit codes around packages daemon and local",
	},

	"chat/internal/lab": {
		[]string{"chat", "chat/daemon/client", "chat/daemon/keys", "chat/daemon/provider/providertest", "chat/internal/crash", "chat/internal/services", goRedis, "golang.org/x/sys/unix", "modernc.org/sqlite", "github.com/Shopify/toxiproxy/v2", "github.com/prometheus/client_golang/prometheus", "github.com/rs/zerolog"},
		"breaks the programs from outside and judges what they did: it never looks inside them",
	},
	"chat/internal/lab/cmd/lab": {
		[]string{"chat/internal/lab"},
		"the lab as a program",
	},

	"chat/internal/lab/cmd/mutants": {nil, "damages a file in an overlay and runs the tests on it"},

	"chat/internal/bench": {
		[]string{"chat/daemon/keys", "chat/internal/services", goRedis},
		"measures the programs from outside, beside floors of its own: it never looks inside them",
	},
	"chat/internal/bench/cmd/bench": {
		[]string{"chat/internal/bench", goRedis},
		"the measuring as a program",
	},

	"chat/internal/arch":  {nil, "rules"},
	"chat/internal/crash": {nil, "names of places; everyone may say that it has reached one"},
	"chat/internal/e2e": {
		[]string{"chat", "chat/sse", "chat/daemon/client", "chat/daemon/provider/providertest", "chat/internal/services"},
		"tests the programs from outside: it starts them, it does not import them",
	},
	"chat/internal/leaks": {
		[]string{"go.uber.org/goleak"},
		"finds goroutines that tests leave behind",
	},
	"chat/internal/screen": {
		[]string{"chat/daemon/provider/providertest", "chat/internal/services", charm, "golang.org/x/sys/unix"},
		"tests the screen from outside, as a person sees it: it starts the program, it does not import it",
	},
	"chat/internal/services": {
		[]string{"github.com/lib/pq", goRedis},
		"the services of tests: it knows nothing of what is tested",
	},
	"chat/internal/services/cmd/withservices": {
		[]string{"chat/internal/services"},
		"runs the tests with their services",
	},
}

// noIO are the packages that the domain must not import.
var noIO = []string{"os", "os/", "net", "net/", "database/sql", "io/fs", "syscall", "log", "log/"}

// vague are package names that say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "manager", "misc", "shared", "base"}

// maxLines is the length of a file that still has one reason to change.
const maxLines = 400
