package database

import (
	"cmp"
	"net/url"
	"regexp"
	"strings"

	"github.com/lib/pq"

	"chat"
)

// keyValues matches PostgreSQL's keyword/value form: host=/run/postgresql dbname=chat.
var keyValues = regexp.MustCompile(`^\s*[a-z_]+\s*=`)

// authority matches a URL of PostgreSQL. Its groups are the scheme, user, hosts, path and query.
var authority = regexp.MustCompile(`^(postgres(?:ql)?://)((?:[^/?@]*@)?)([^/?]*)([^?]*)(?:\?(.*))?$`)

// defaultPort is PostgreSQL's.
const defaultPort = "5432"

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
	cfg, err := pq.NewConfig(withHosts(dsn))
	if err != nil {
		if e := parameterError(err); e != nil {
			return cfg, e
		}
		return cfg, chat.Errorf(chat.CodeInvalid, "the database URL is not valid for PostgreSQL: write postgres://user:password@host:port/database, "+
			"with %%3A %%2F %%40 %%3F %%23 %%25 for : / @ ? # %% in the password, or postgres:///database?host=/run/postgresql for a socket")
	}
	return cfg, refuseForeign(cfg.Runtime)
}

// withHosts moves the hosts of a URL to the parameters host and port, if there are several of
// them or if one is the percent-encoded directory of a socket. libpq accepts both, and Go's
// URLs have one host without percent-encoding. Parameters of the URL override its hosts.
func withHosts(dsn string) string {
	m := authority.FindStringSubmatch(dsn)
	if m == nil || !strings.Contains(m[3], ",") && !strings.HasPrefix(strings.ToUpper(m[3]), "%2F") {
		return dsn
	}
	var hosts, ports []string
	named := false
	for item := range strings.SplitSeq(m[3], ",") {
		host, port := splitPort(item)
		name, err := url.PathUnescape(host)
		if err != nil {
			return dsn
		}
		named = named || port != ""
		hosts, ports = append(hosts, cmp.Or(name, "localhost")), append(ports, cmp.Or(port, defaultPort))
	}
	query, err := url.ParseQuery(m[5])
	if err != nil {
		return dsn
	}
	if !query.Has("host") {
		query.Set("host", strings.Join(hosts, ","))
		if named && !query.Has("port") {
			query.Set("port", strings.Join(ports, ","))
		}
	}
	return m[1] + m[2] + m[4] + "?" + query.Encode()
}

// splitPort splits a host of a URL from its port, "" if it has none. An IPv6 address is in
// brackets.
func splitPort(item string) (host, port string) {
	if rest, ok := strings.CutPrefix(item, "["); ok {
		host, rest, _ = strings.Cut(rest, "]")
		return host, strings.TrimPrefix(rest, ":")
	}
	host, port, _ = strings.Cut(item, ":")
	return host, port
}
