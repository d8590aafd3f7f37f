package arch

// dialect is what every dialect of model providers may import.
var dialect = []string{
	"chat", "chat/daemon/model", "chat/daemon/model/answer", "chat/daemon/model/apierror", "chat/daemon/model/completion",
	"chat/daemon/model/continuation", "chat/daemon/model/copies", "chat/daemon/model/draft", "chat/daemon/model/network", "chat/daemon/model/transport",
}

// serverRules are the packages of the domain, the store and the daemon.
var serverRules = map[string]rule{
	"chat": {
		nil,
		"the domain: everything imports it, so it imports nothing and does no I/O",
	},
	"chat/sse": {
		[]string{"chat"},
		"the only place where a chunk becomes a frame, for the server and the client alike",
	},

	"chat/sql": {
		[]string{"chat", "chat/sql/database", "chat/sql/copies", "chat/sql/lists", "chat/sql/migrations", "chat/sql/rows", "chat/sql/search", "chat/sql/status", "chat/sql/threads", "chat/internal/title", "chat/internal/transcript", goUUID},
		"the record: it knows tables and queries, and nothing of drivers, Redis, HTTP or providers",
	},
	"chat/sql/database": {
		[]string{"chat", "github.com/jmoiron/sqlx", "github.com/lib/pq", "modernc.org/sqlite"},
		"the one place that knows the drivers: connections, transactions and the errors of both databases, and no table",
	},
	"chat/sql/migrations": {
		[]string{"chat", "chat/internal/blocks", "chat/sql/database", "github.com/jmoiron/sqlx", "github.com/pressly/goose/v3"},
		"the versions of the tables: it runs before the store, and does not import it",
	},
	"chat/sql/rows": {
		[]string{"chat", "chat/sql/search", goUUID},
		"converts rows to the domain's types and back: functions of their arguments, without queries",
	},
	"chat/sql/search": {
		[]string{"chat", "chat/sql/database"},
		"what a search finds, in both databases: it makes conditions and snippets, and does not know what the store does with them",
	},
	"chat/sql/copies": {
		[]string{"chat/sql/database"},
		"queries about copies of attachments at providers",
	},
	"chat/sql/lists": {
		[]string{"chat", "chat/sql/database", "chat/sql/rows", "chat/sql/search"},
		"queries for lists and searches: they change nothing",
	},
	"chat/sql/status": {
		[]string{"chat", "chat/sql/database", "chat/sql/rows"},
		"queries about workers, the queue and usage: they decide nothing",
	},
	"chat/sql/threads": {
		[]string{"chat", "chat/sql/database", "chat/sql/rows"},
		"queries for what a model gets of a conversation: paths, summaries, and how much models accept",
	},
	"chat/sql/sqltest": {
		[]string{"chat/internal/transcript", "chat", "chat/sql"},
		"what a store promises, for tests of any database",
	},

	"chat/internal/report": {
		[]string{"chat"},
		"the bodies of responses about the server and about requests to models",
	},
	"chat/internal/transcript": {
		[]string{"chat"},
		"conversations as they are exported and imported: functions of them",
	},
	"chat/internal/blocks": {
		[]string{"chat"},
		"images and files in a text: what exports hold, and databases of versions without attachments",
	},
	"chat/internal/tokens": {
		[]string{"chat"},
		"an estimate of tokens: a function of a text, for the daemon and the screen",
	},
	"chat/internal/poll": {
		nil,
		"waiting in tests, in one place",
	},
	"chat/internal/title": {
		[]string{"chat", "chat/internal/lazyregexp"},
		"titles that models write: functions of texts, for the worker that asks and the store that keeps them",
	},
	"chat/internal/lazyregexp": {
		nil,
		"regular expressions that cost no start of the program",
	},
	"chat/internal/schema": {
		[]string{"chat", strictJSON + "/jsontext", "github.com/santhosh-tekuri/jsonschema/v6", "github.com/santhosh-tekuri/jsonschema/v6/kind", "golang.org/x/text/language", "golang.org/x/text/message"},
		"JSON Schemas and the answers that have to match them: it loads nothing, and is the one place that knows the validator",
	},
	"chat/internal/schema/shorthand": {
		[]string{"chat", strictJSON + "/jsontext"},
		"the short notation of a schema: a function of a text",
	},
	"chat/daemon/keys": {
		[]string{"chat"},
		"every Redis key is named in one file",
	},
	"chat/daemon/redisconn": {
		[]string{"chat", "chat/daemon/keys", goRedis, goRedis + "/maintnotifications"},
		"the one place that knows how Redis is deployed: one server, Sentinels or a Cluster",
	},
	"chat/daemon/wakeup": {
		[]string{"chat/internal/report", "chat", "chat/daemon/keys", "chat/daemon/redisconn", goRedis},
		"wake-ups only: which task is next is decided in SQL",
	},
	"chat/daemon/ratelimit": {
		[]string{"chat", "chat/daemon/keys", "chat/daemon/model", "chat/daemon/model/apierror", goRedis},
		"when a request may be sent: what is asked, and of whom, it does not know",
	},
	"chat/daemon/redischeck": {
		[]string{"chat", "chat/daemon/keys", "chat/daemon/redisconn", goRedis},
		"whether Redis does what is needed of it, which PING does not tell",
	},
	"chat/daemon/chunklog/entry": {
		[]string{"chat"},
		"the JSON of one entry: a function of its bytes",
	},
	"chat/daemon/chunklog/subscription": {
		[]string{"chat", "chat/daemon/chunklog/entry", "chat/daemon/keys", "chat/daemon/redisconn", goRedis},
		"the messages of all streams for all readers of a process: it reads no list",
	},
	"chat/daemon/chunklog": {
		[]string{"chat", "chat/daemon/chunklog/entry", "chat/daemon/chunklog/subscription", "chat/daemon/keys", "chat/daemon/redisconn", crashPoints, goRedis, "github.com/klauspost/compress/zstd"},
		"the fast path of a live stream: it knows Redis, and nothing of SQL or HTTP",
	},
	"chat/daemon/chunklog/chunklogtest": {
		[]string{"chat", "chat/daemon/chunklog", "chat/daemon/redisconn", goRedis},
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
		[]string{"chat", "github.com/xrash/smetrics"},
		"what a model is, and the registry of named providers: it knows no protocol",
	},
	"chat/daemon/model/transport": {
		[]string{"chat", "chat/sse", "chat/daemon/model", "chat/daemon/model/apierror", "chat/daemon/model/completion", "chat/daemon/model/continuation", "chat/daemon/model/network", "chat/internal/lazyregexp"},
		"what the dialects share between a request and its answer: it knows neither body",
	},
	"chat/daemon/model/network": {
		[]string{"chat", "chat/internal/lazyregexp"},
		"the way to a server: base URLs, proxies, addresses, certificates; it knows no message",
	},
	"chat/daemon/model/apierror": {
		[]string{"chat", "chat/daemon/model", "chat/internal/lazyregexp"},
		"what an error response means: a function of its status, headers and body",
	},
	"chat/daemon/model/completion": {
		[]string{"chat"},
		"the JSON of one event: a function of its bytes",
	},
	"chat/daemon/model/think": {
		[]string{"chat"},
		"tells reasoning from content by its tags: a function of the text",
	},
	"chat/daemon/model/answer": {
		[]string{"chat", "chat/daemon/model", "chat/daemon/model/completion", "chat/daemon/model/think"},
		"the checked text of one answer: it reads no socket",
	},
	"chat/daemon/model/continuation": {
		[]string{"chat", "chat/daemon/model", "chat/internal/lazyregexp"},
		"joins a cut answer and what a model writes to continue it: functions of the two texts",
	},
	"chat/daemon/model/thread": {
		[]string{"chat", "chat/daemon/model"},
		"what a provider gets of a conversation: a function of it",
	},
	"chat/daemon/model/copies": {
		[]string{"chat", "chat/daemon/model", "chat/daemon/model/transport"},
		"copies of attachments at the provider: it knows no request for an answer",
	},
	"chat/daemon/model/draft": {
		[]string{"chat", "chat/daemon/model", "chat/daemon/model/apierror", "chat/daemon/model/continuation", "chat/daemon/model/copies", "chat/daemon/model/thread", "chat/internal/lazyregexp"},
		"a request without what a model refused: it opens no connection",
	},
	"chat/daemon/model/openai": {
		append([]string{"chat/daemon/model/openai/", "chat/internal/lazyregexp", goOpenAI}, dialect...),
		"the dialect of OpenAI-compatible servers: it knows neither tasks nor storage",
	},
	"chat/daemon/model/openai/responses": {
		[]string{"chat", "chat/daemon/model/completion"},
		"the JSON of one event of Responses: a function of the events before and its bytes",
	},
	"chat/daemon/model/openai/wire": {
		[]string{"chat", "chat/daemon/model/thread", "chat/internal/schema", goOpenAI},
		"the body of a request: a function of the thread and the parameters",
	},
	"chat/daemon/model/anthropic": {
		append([]string{"chat/daemon/model/thread", "chat/internal/lazyregexp"}, dialect...),
		"the dialect of Anthropic's Messages API: it knows neither tasks nor storage",
	},
	"chat/daemon/model/local": {
		[]string{"chat", "chat/daemon/model", "chat/daemon/model/openai", "chat/daemon/model/transport"},
		"detects servers of this machine, which speak the dialect of OpenAI",
	},
	"chat/daemon/model/demo": {
		[]string{"chat/daemon/model"},
		"the model that answers when there is no other, through the same code as any",
	},
	"chat/daemon/model/providers": {
		[]string{"chat/daemon/model", "chat/daemon/model/anthropic", "chat/daemon/model/demo", "chat/daemon/model/local", "chat/daemon/model/openai", "chat/daemon/model/transport"},
		"constructs the registry of models: the one place that knows all dialects",
	},
	"chat/daemon/model/modeltest": {
		[]string{"chat", "chat/daemon/model", "chat/internal/blocks"},
		"a provider that lies on command, and what holds for every answer, for tests",
	},
	"chat/daemon/model/modeltest/lying": {
		[]string{"chat/daemon/model/modeltest"},
		"the lying provider as a program",
	},

	"chat/daemon/keyring": {
		[]string{"chat", "github.com/zalando/go-keyring"},
		"the one place that knows the system's keyring, and waits for it no longer than it should",
	},
	"chat/daemon/length": {
		[]string{"chat", "chat/internal/tokens"},
		"what a model gets of a long conversation: functions of a thread, so that the worker and the API say the same",
	},
	"chat/daemon/compaction": {
		[]string{"chat/internal/report", "chat", "chat/daemon/length", "chat/daemon/model/thread"},
		"what users ask about the length of a conversation: it composes, and decides nothing that length does not",
	},
	"chat/daemon/worker": {
		[]string{"chat", "chat/daemon/length", "chat/daemon/model", crashPoints, "chat/internal/schema", "chat/internal/title", "chat/internal/tokens"},
		"the life of a task: it declares the interfaces it needs, so that every fault can be injected",
	},
	"chat/daemon/follow": {
		[]string{"chat"},
		"reads an answer wherever it is, for every wire format: knows no bytes and no socket",
	},
	"chat/daemon/pdf": {
		[]string{"chat", "github.com/klippa-app/go-pdfium", "github.com/klippa-app/go-pdfium/", "github.com/tetratelabs/wazero", "github.com/tetratelabs/wazero/"},
		"reads the text of PDFs in a sandbox: a function of their bytes",
	},
	"chat/daemon/pdf/pdftest": {nil, "makes PDF files for tests"},
	"chat/daemon/api": {
		[]string{"chat/internal/report", "chat/internal/transcript", "chat", "chat/sse", "chat/daemon/api/", "chat/daemon/follow", "chat/internal/schema", crashPoints, goUUID},
		"handlers and auth: it declares the interfaces it needs, and never sees Redis or SQL",
	},
	"chat/daemon/api/surface": {
		[]string{"chat", "chat/daemon/follow"},
		"what a wire format needs of the server: interfaces only",
	},
	"chat/daemon/api/body": {
		[]string{"chat", strictJSON, strictJSON + "/jsontext"},
		"the bodies of requests: strict JSON, and errors that name the field",
	},
	"chat/daemon/api/events": {
		[]string{"chat", "chat/daemon/api/surface", "chat/daemon/follow"},
		"the connection of a stream: it knows bytes and deadlines, and no wire format",
	},
	"chat/daemon/api/socket": {
		[]string{"chat", "chat/daemon/api/surface", goWebSocket},
		"the connection of a WebSocket: pings, limits and its end, and no wire format",
	},
	"chat/daemon/api/openai/input": {
		[]string{"chat", "chat/daemon/api/surface"},
		"the messages and tools of OpenAI's requests as those of the domain: it knows no call and no answer",
	},
	"chat/daemon/api/openai": {
		[]string{"chat", "chat/daemon/api/body", "chat/daemon/api/openai/input", "chat/daemon/api/socket", "chat/daemon/api/surface", "chat/daemon/follow", "chat/internal/thread", goUUID},
		"OpenAI's API: one of the wire formats, which know nothing of each other",
	},
	"chat/daemon/api/aisdk": {
		[]string{"chat", "chat/daemon/api/body", "chat/daemon/api/surface", "chat/internal/thread", goUUID},
		"the stream of the AI SDK: one of the wire formats",
	},
	"chat/daemon/api/ws": {
		[]string{"chat", "chat/daemon/api/socket", "chat/daemon/api/surface", goWebSocket},
		"the WebSocket: one of the wire formats",
	},
	"chat/daemon/api/web": {
		[]string{"chat", "chat/daemon/follow", "chat/daemon/api/surface", "chat/daemon/api/web/render", "chat/internal/thread"},
		"the page for browsers: answers as HTML, sessions; its script and style are embedded",
	},
	"chat/daemon/api/web/render": {
		[]string{"chat/internal/term/citation", "chat/internal/term/highlight", "github.com/yuin/goldmark", "github.com/yuin/goldmark/", "github.com/microcosm-cc/bluemonday", "golang.org/x/net/html", "golang.org/x/net/html/"},
		"text to blocks of HTML that is safe in a page: functions of the text",
	},
	"chat/daemon/client": {
		[]string{"chat/internal/report", "chat/internal/transcript", "chat", "chat/sse", goUUID},
		"the other end of the protocol: it must work against any server",
	},
	"chat/daemon/local": {
		[]string{"chat", "chat/daemon/client", "golang.org/x/sys/unix"},
		"finds or starts the local daemon: the rest of the daemon is another process",
	},
	"chat/daemon": {
		[]string{"chat", "chat/sql", "chat/daemon/", goRedis, "github.com/BurntSushi/toml", goUUID, "github.com/joho/godotenv"},
		"configuration and wiring: the one place that sees all parts",
	},
}
