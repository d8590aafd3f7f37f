package database_test

import (
	"net/url"
	"strings"
	"testing"

	"chat"
	"chat/internal/services"
	"chat/sql/database"
)

func TestCheckURLRefusesOtherURLs(t *testing.T) {
	for bad, says := range map[string]string{
		"": "must be postgres://", "mysql://h/db": "must be postgres://", "redis://h": "must be postgres://", "chat.db": "must be postgres://", "postgres:/h/db": "must be postgres://",
		"jdbc:postgresql://h/db": "must be postgres://", "postgresql+asyncpg://h/db": "must be postgres://", "sqlite:///": "", "sqlite3:///x": "must be postgres://",
		"postgres://u:p#w@h/db": "%23", "postgres://u:secret@h:port/db": "postgres://user", "postgres://h:70000/db": "", "host": "must be postgres://",
		"postgres://u:secret@h/db?schema=public":                            "schema",
		"postgres://h/db?pgbouncer=true&connection_limit=5":                 "connection_limit: remove it, and set the number of connections with CHATD_DATABASE_POOL; pgbouncer: remove it",
		"postgres://h/db?pool_max_conns=10":                                 "pool_max_conns",
		"postgres://h/db?default_query_exec_mode=simple_protocol":           "default_query_exec_mode",
		"postgres://h/db?currentSchema=x":                                   "currentSchema",
		"postgres://h/db?sslmode=require&channel_binding=require":           "channel_binding",
		"postgres://h/db?ssl=true":                                          "ssl",
		"host=h dbname=db schema=public":                                    "schema",
		"postgres://h/db?prepareThreshold=0":                                "prepareThreshold",
		"postgres://h/db?keepalives_idle=30":                                "keepalives_idle",
		"postgres://%2Fvar%2Frun%2Fpostgresql/db?schema=public&pool_size=3": "schema: write search_path=NAME; pool_size: remove it",
		"postgres://h/db?sslmode=sometimes":                                 `"sometimes" is not supported`,
		"postgres://u:secret@h1,h2/db?target_session_attrs=leader":          "read-write",
		"postgres://h1,h2,h3/db?port=1,2":                                   "could not match",
		"postgres://h/db?sslmode=require&sslrootcert=system":                "verify-full",
		"postgres://h/db?targetServerType=primary":                          "target_session_attrs=read-write",
	} {
		if says == "" {
			continue // either result is right
		}
		err := database.CheckURL(bad)
		if !chat.IsCode(err, chat.CodeInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", bad, err, says)
		}
	}
	for _, good := range []string{
		"postgres://u:p@h:5432/db?sslmode=verify-full&sslrootcert=system", "postgresql:///db?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql/db", "postgres://u:p@%2frun%2fpg:5433/db?sslmode=disable",
		"host=/run/postgresql dbname=db user=u", " host = h\tport=5432", "postgres://h/db?search_path=chat&statement_timeout=5000", "postgres://h1:1,h2:2/db?target_session_attrs=read-write",
		"postgres://h/db?sslmode=prefer", "postgres://h/db?sslmode=allow", "host=h1,h2 port=1,2 target_session_attrs=prefer-standby load_balance_hosts=random", "postgres://u@/db?host=h1,h2&port=5433",
		"postgres://h/db?application_name=x&connect_timeout=3", "sqlite:///var/lib/chat/chat.db",
	} {
		if err := database.CheckURL(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// A URL can name the directory of a socket in several forms.
func TestOpenAcceptsEveryFormOfASocket(t *testing.T) {
	server := services.StartPostgres(t)
	base, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	dir, port, name := server.SocketDir(), base.Port(), "postgres"
	const info = "postgres:p%40ss@" // the server trusts everyone and ignores the password
	for _, dsn := range []string{
		"postgres://" + info + url.PathEscape(dir) + ":" + port + "/" + name,
		"postgresql://" + info + strings.ToLower(url.PathEscape(dir)) + ":" + port + "/" + name + "?sslmode=disable",
		"postgres://" + info + "/" + name + "?host=" + dir + "&port=" + port,
		"postgres://" + info + "/" + name + "?port=" + port + "&host=" + url.QueryEscape(dir),
		"host=" + dir + " port=" + port + " user=postgres password='p@ss' dbname=" + name,
	} {
		s, err := database.Open(t.Context(), dsn, database.Options{})
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_, err = database.Open(t.Context(), server.URL()+"&no_such_setting=1", database.Options{})
	if !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), `"no_such_setting"`) || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("%v (%s)", err, chat.CodeOf(err))
	}
}
