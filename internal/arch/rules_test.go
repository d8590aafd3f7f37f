package arch

// rule says what a package may import besides the standard library.
type rule struct {
	// may lists import paths; one that ends in "/" allows all that begin with it.
	may []string
	why string
}

const (
	goRedis     = "github.com/redis/go-redis/v9"
	goWebSocket = "github.com/coder/websocket"
	goUUID      = "github.com/google/uuid"
	charm       = "github.com/charmbracelet/"
	// goOpenAI has the types of requests.
	goOpenAI = "github.com/sashabaranov/go-openai"
	xSync    = "golang.org/x/sync/"
	// strictJSON becomes encoding/json/v2 with Go 1.27.
	strictJSON = "github.com/go-json-experiment/json"

	crashPoints = "chat/internal/crash" // empty functions in a normal build
)

// rules are all packages of the module.
var rules = joinRules(serverRules, clientRules, toolRules)

func joinRules(lists ...map[string]rule) map[string]rule {
	all := map[string]rule{}
	for _, list := range lists {
		for pkg, r := range list {
			if _, twice := all[pkg]; twice {
				panic("two rules for package " + pkg)
			}
			all[pkg] = r
		}
	}
	return all
}

// toolRules are the packages for tests, measurements and their services.
var toolRules = map[string]rule{
	"chat/internal/lab": {
		[]string{"chat/internal/lab/world", "chat/internal/lab/history", "chat/internal/lab/load", "chat/internal/lab/judge", "chat/internal/lab/faults", "chat/internal/services"},
		"runs rows and reports: it knows neither how things break nor what is promised",
	},
	"chat/internal/lab/world": {
		[]string{"chat", "chat/daemon/model/modeltest", "chat/internal/poll", "chat/internal/services", goRedis, "golang.org/x/sys/unix", "github.com/Shopify/toxiproxy/v2", "github.com/prometheus/client_golang/prometheus", "github.com/rs/zerolog"},
		"starts and breaks the programs from outside: it never looks inside them",
	},
	"chat/internal/lab/history": {
		[]string{"chat", "chat/daemon/model/modeltest", "chat/internal/lab/world", "modernc.org/sqlite"},
		"what was seen in a run, read without the programs' own code: it judges nothing",
	},
	"chat/internal/lab/load": {
		[]string{"chat", "chat/daemon/client", "chat/internal/lab/history", "chat/internal/lab/world", goWebSocket},
		"the clients: they know neither the fault nor the promises",
	},
	"chat/internal/lab/judge": {
		[]string{"chat", "chat/daemon/keys", "chat/internal/lab/history", "chat/internal/lab/world"},
		"the promises: it judges what was seen and asks no process",
	},
	"chat/internal/lab/faults": {
		[]string{"chat", "chat/daemon/keys", "chat/daemon/model/modeltest", "chat/internal/crash", "chat/internal/lab/history", "chat/internal/lab/judge", "chat/internal/lab/load", "chat/internal/lab/world", goRedis},
		"the table of faults: each breaks a world from outside",
	},
	"chat/internal/lab/cmd/lab": {
		[]string{"chat/internal/lab", "chat/internal/lab/faults", "chat/internal/lab/world"},
		"the lab as a program",
	},

	"chat/internal/lab/cmd/mutants": {nil, "damages a file in an overlay and runs the tests on it"},

	"chat/internal/bench": {
		[]string{"chat/daemon/keys", "chat/internal/services", goRedis, goWebSocket},
		"measures the programs from outside, beside floors of its own: it never looks inside them",
	},
	"chat/internal/bench/cmd/bench": {
		[]string{"chat/internal/bench", goRedis},
		"the measuring as a program",
	},
	"chat/internal/bench/scale": {
		[]string{"chat/internal/services", "golang.org/x/sys/unix"},
		"measures many processes from outside: it starts them, it does not import them",
	},
	"chat/internal/bench/records": {
		[]string{"chat", "chat/internal/services", "chat/sql", "chat/sql/lists", "chat/sql/search"},
		"measures the record itself, without HTTP, which would hide how a query grows",
	},
	"chat/internal/bench/simulation": {nil, "a model: it measures nothing"},
	"chat/internal/bench/cmd/scale": {
		[]string{"chat/internal/bench/records", "chat/internal/bench/scale", "chat/internal/bench/simulation"},
		"the measuring of growth as a program",
	},

	"chat/internal/arch":  {nil, "rules"},
	"chat/internal/crash": {nil, "names of places; everyone may say that it has reached one"},
	"chat/internal/clients": {
		[]string{"chat", "chat/daemon/client", "chat/daemon/keys", "chat/daemon/model/modeltest", "chat/internal/services", goRedis, "github.com/openai/openai-go/v3/", "github.com/openai/openai-go/v3"},
		"tests the wire formats with the clients of others: it starts chatd, it does not import it",
	},
	"chat/internal/clients/external": {
		[]string{"chat/internal/clients", "chat/internal/services"},
		"the same with what needs a browser, Python, or another project's code",
	},
	"chat/internal/e2e": {
		[]string{"chat", "chat/sse", "chat/daemon/client", "chat/daemon/model/modeltest", "chat/internal/services"},
		"tests the programs from outside: it starts them, it does not import them",
	},
	"chat/internal/leaks": {
		[]string{"go.uber.org/goleak"},
		"finds goroutines that tests leave behind",
	},
	"chat/internal/screen": {
		[]string{"chat/daemon/model/modeltest", "chat/internal/services", charm, "golang.org/x/sys/unix"},
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

// encoders are the packages that write answers on a wire, and everything below them.
var encoders = []string{"chat/daemon/api", "chat/daemon/api/"}

// storage are the packages that encoders must not import.
var storage = []string{"chat/sql", "chat/sql/", "chat/daemon/chunklog", "chat/daemon/chunklog/"}

// longerPackages are packages that may be longer than maxPackage, and why. There is none.
var longerPackages = map[string]string{}

// noIO are the packages that the domain must not import.
var noIO = []string{"os", "os/", "net", "net/", "database/sql", "io/fs", "syscall", "log", "log/"}

// vague are package names that say nothing about what is inside.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "manager", "misc", "shared", "base"}
