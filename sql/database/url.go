package database

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lib/pq"

	"chat"
)

// keyValues matches PostgreSQL's keyword/value form: host=/run/postgresql dbname=chat.
var keyValues = regexp.MustCompile(`^\s*[a-z_]+\s*=`)

// socketHost matches a URL whose host is the percent-encoded directory of a socket, which
// libpq accepts. Its groups are the scheme, user, directory, port, path and query.
var socketHost = regexp.MustCompile(`^(postgres(?:ql)?://)((?:[^/@]*@)?)(%2[Ff][^/:?]*)(?::(\d+))?([^?]*)(?:\?(.*))?$`)

// foreignParameters are parameters of other programs. PostgreSQL would refuse a
// connection that has one of them.
func foreignParameters() []string {
	return []string{
		"schema", "pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "sslaccept", "sslidentity", "sslpassword", // Prisma
		"pool_max_conns", "pool_min_conns", "pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period", "default_query_exec_mode", // pgx
		"statement_cache_capacity", "description_cache_capacity",
		"currentSchema", "ssl", "sslfactory", "prepareThreshold", "loginTimeout", "socketTimeout", "connectTimeout", "reWriteBatchedInserts", "ApplicationName", // JDBC
		"pool_size", "max_overflow", "poolclass", "prepared_statement_cache_size", "async_fallback", "prepare", "max", "pool", "workaround", "supa", // others
		"channel_binding", "gssencmode", "gsslib", "gssdelegation", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout", // libpq's own
		"sslcrl", "sslcrldir", "sslcompression", "sslcertmode", "requirepeer", "require_auth", "replication",
	}
}

// CheckURL returns an error unless url can name a database. It opens no connection.
func CheckURL(url string) error {
	switch {
	case isPostgres(url):
		_, err := postgresConfig(url)
		return err
	case strings.HasPrefix(url, "sqlite://"):
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "the database URL must be postgres://user:password@host:port/database, or sqlite:///path")
}

func isPostgres(url string) bool {
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") || keyValues.MatchString(url)
}

// postgresConfig parses a URL or the keyword/value form.
func postgresConfig(dsn string) (pq.Config, error) {
	cfg, err := pq.NewConfig(withSocket(dsn))
	if err != nil { // err may quote the password
		return cfg, chat.Errorf(chat.CodeInvalid, "the database URL is not valid for PostgreSQL: write postgres://user:password@host:port/database, "+
			"with %%3A %%2F %%40 %%3F %%23 %%25 for : / @ ? # %% in the password, or postgres:///database?host=/run/postgresql for a socket")
	}
	var unknown []string
	for name := range cfg.Runtime {
		if slices.Contains(foreignParameters(), name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		slices.Sort(unknown)
		return cfg, chat.Errorf(chat.CodeInvalid, "the database URL has parameters of other programs (%s): remove them; set the pool size with CHATD_DATABASE_POOL and the schema with search_path=NAME",
			strings.Join(unknown, ", "))
	}
	return cfg, nil
}

// withSocket moves a socket's directory from the URL's host, where Go allows no
// percent-encoding, to the parameter host.
func withSocket(dsn string) string {
	m := socketHost.FindStringSubmatch(dsn)
	if m == nil {
		return dsn
	}
	dir, err := url.PathUnescape(m[3])
	if err != nil {
		return dsn
	}
	query := "host=" + url.QueryEscape(dir)
	if m[4] != "" {
		query += "&port=" + m[4]
	}
	if m[6] != "" {
		query += "&" + m[6]
	}
	return m[1] + m[2] + m[5] + "?" + query
}
