package records

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql"
)

// Config says what to measure.
type Config struct {
	Engine       string // "postgres" or "sqlite"
	Small, Large int    // messages
	Progress     io.Writer
}

// Growth is the time of one operation in both databases.
type Growth struct {
	Operation    string        `json:"operation"`
	Small, Large time.Duration // medians
	Ratio        float64       `json:"ratio"` // Large / Small
	// Reached reports that the ratio is at most Allowed, or that Large is below Quick.
	Reached bool `json:"reached"`
}

const (
	// Allowed is how many times as long an operation may take in the large database.
	Allowed = 1.5
	// Quick is the time below which a ratio says nothing about the plan: it is that of
	// more levels of an index and of pages that are in no cache.
	Quick = 300 * time.Microsecond
)

// Report is the result of Run.
type Report struct {
	Engine       string         `json:"engine"`
	Small, Large int            // messages
	Bytes        int64          `json:"bytes"` // of the large database on disk
	Filled       time.Duration  `json:"filled"`
	Growth       []Growth       `json:"growth"`
	Tables       map[string]int `json:"tables,omitempty"` // bytes of each table of the large database, with its indexes
}

// Run fills both databases and measures.
func Run(ctx context.Context, c Config) (_ Report, err error) {
	r := Report{Engine: c.Engine}
	dir, err := os.MkdirTemp("", "chat-records-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	url := func(name string) string { return "sqlite://" + filepath.Join(dir, name+".db") }
	if c.Engine == "postgres" {
		servers := map[string]*services.PostgresServer{}
		for _, name := range []string{"small", "large"} {
			if servers[name], err = services.LaunchPostgresWith(ctx, "shared_buffers=512MB"); err != nil {
				return r, err
			}
			defer func() { err = errors.Join(err, servers[name].Remove()) }()
		}
		url = func(name string) string { return servers[name].URL() }
	}
	began := time.Now()
	small, err := open(ctx, c.Engine, url("small"), c.Small)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, small.store.Close()) }()
	large, err := open(ctx, c.Engine, url("large"), c.Large)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, large.store.Close()) }()
	r.Small, r.Large, r.Filled = small.messages, large.messages, time.Since(began)
	fmt.Fprintf(c.Progress, "filled with %d and %d messages in %s\n", r.Small, r.Large, r.Filled.Round(time.Second))
	if r.Bytes, r.Tables, err = large.size(ctx, filepath.Join(dir, "large.db")); err != nil {
		return r, err
	}
	r.Growth, err = compare(ctx, small, large, c.Progress)
	return r, err
}

// record is an open database.
type record struct {
	store         *sql.Store
	engine, url   string
	messages      int
	conversations map[string][]string // of the owners that are measured
	next          int                 // conversation that submit has not used
	tasks         []chat.Claim
}

func open(ctx context.Context, engine, url string, n int) (*record, error) {
	store, err := sql.Open(ctx, url, sql.Options{})
	if err != nil {
		return nil, err
	}
	r := &record{store: store, engine: engine, url: url}
	if err := r.fill(ctx, n); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return r, nil
}

func (r *record) connect() (*stdsql.DB, error) {
	if r.engine == "postgres" {
		return stdsql.Open("postgres", r.url)
	}
	db, err := stdsql.Open("sqlite", strings.TrimPrefix(r.url, "sqlite://"))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// fill fills the database. PostgreSQL makes the index of texts afterwards, which takes a
// fifth of the time.
func (r *record) fill(ctx context.Context, n int) (err error) {
	db, err := r.connect()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // settings are those of a connection
	f := newFiller(1)
	before := []string{"PRAGMA synchronous = OFF", "PRAGMA busy_timeout = 10000"}
	after := []string{"ANALYZE"}
	if r.engine == "postgres" {
		var indexes []string
		if indexes, err = textIndexes(ctx, db); err != nil {
			return err
		}
		before = []string{"SET synchronous_commit = off", "SET maintenance_work_mem = '1GB'", "DROP INDEX IF EXISTS messages_folded"}
		after = append(indexes, "VACUUM ANALYZE")
	}
	if err := execute(ctx, db, before); err != nil {
		return err
	}
	if r.messages, err = f.fill(ctx, db, r.engine == "postgres", n); err != nil {
		return err
	}
	r.conversations = f.conversations
	return execute(ctx, db, after)
}

func execute(ctx context.Context, db *stdsql.DB, statements []string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// textIndexes are the statements that make the indexes of texts that the migrations made.
func textIndexes(ctx context.Context, db *stdsql.DB) (list []string, err error) {
	found, err := db.QueryContext(ctx, `SELECT indexdef FROM pg_indexes WHERE indexname = 'messages_folded'`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	for found.Next() {
		var statement string
		if err := found.Scan(&statement); err != nil {
			return nil, err
		}
		list = append(list, statement)
	}
	return list, found.Err()
}

// size is the size of the database in bytes, and that of each table on PostgreSQL.
func (r *record) size(ctx context.Context, file string) (total int64, tables map[string]int, err error) {
	if r.engine != "postgres" {
		info, err := os.Stat(file)
		if err != nil {
			return 0, nil, err
		}
		return info.Size(), nil, nil
	}
	db, err := r.connect()
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.QueryRowContext(ctx, `SELECT pg_database_size(current_database())`).Scan(&total); err != nil {
		return 0, nil, err
	}
	tables = map[string]int{}
	for _, name := range []string{"conversations", "messages", "tasks", "messages_folded"} {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT pg_total_relation_size(to_regclass($1))`, name).Scan(&n); err != nil {
			return 0, nil, err
		}
		tables[name] = n
	}
	return total, tables, nil
}

// compare runs each operation in both databases in turn.
func compare(ctx context.Context, small, large *record, progress io.Writer) (list []Growth, err error) {
	for _, o := range operations() {
		var times [2][]time.Duration
		for i := range o.times {
			for n, r := range []*record{small, large} {
				began := time.Now()
				if err := o.run(ctx, r, i); err != nil {
					return list, fmt.Errorf("%s with %d messages: %w", o.name, r.messages, err)
				}
				times[n] = append(times[n], time.Since(began))
			}
		}
		g := Growth{Operation: o.name, Small: median(times[0]), Large: median(times[1])}
		g.Ratio = float64(g.Large) / float64(g.Small)
		g.Reached = g.Ratio <= Allowed || g.Large < Quick
		list = append(list, g)
		fmt.Fprintf(progress, "%-45s %10s %10s  %.2f\n", g.Operation, g.Small.Round(time.Microsecond), g.Large.Round(time.Microsecond), g.Ratio)
	}
	return list, nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[(len(all)-1)/2]
}

// Write writes the report as Markdown.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s: %d and %d messages\n\n", r.Engine, r.Small, r.Large)
	fmt.Fprintf(&b, "The large database has %d MB, %.0f bytes a message.", r.Bytes>>20, float64(r.Bytes)/float64(r.Large))
	for _, name := range []string{"messages", "tasks", "conversations"} {
		if n := r.Tables[name]; n > 0 {
			fmt.Fprintf(&b, " `%s` with its indexes has %d MB.", name, n>>20)
		}
	}
	if n := r.Tables["messages_folded"]; n > 0 {
		fmt.Fprintf(&b, " Of these, the index of texts has %d MB.", n>>20)
	}
	fmt.Fprintf(&b, "\n\n| operation, median | %d | %d | ratio, at most %.1f | |\n|---|---|---|---|---|\n", r.Small, r.Large, Allowed)
	for _, g := range r.Growth {
		verdict := "ok"
		if !g.Reached {
			verdict = "**gap**"
		} else if g.Ratio > Allowed {
			verdict = "ok: below " + Quick.String()
		}
		fmt.Fprintf(&b, "| %s | %.3f ms | %.3f ms | %.2f | %s |\n", g.Operation, ms(g.Small), ms(g.Large), g.Ratio, verdict)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
