package database

import (
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/lib/pq"

	"chat"
)

// foreign is a group of parameters of other programs, and what to do instead. PostgreSQL would
// refuse a connection that has one of them.
type foreign struct {
	names []string
	next  string
}

func foreignParameters() []foreign {
	return []foreign{
		{[]string{"schema", "currentSchema"}, "write search_path=NAME"},
		{[]string{"ApplicationName"}, "write application_name=NAME"},
		{[]string{
			"connection_limit", "pool_max_conns", "pool_min_conns", "pool_size", "max_overflow", "poolclass", "max", "pool", "pool_timeout",
			"pool_max_conn_lifetime", "pool_max_conn_idle_time", "pool_health_check_period",
		}, "remove it, and set the number of connections with CHATD_DATABASE_POOL"},
		{[]string{
			"pgbouncer", "statement_cache_size", "statement_cache_capacity", "description_cache_capacity", "prepared_statement_cache_size", "default_query_exec_mode",
			"prepareThreshold", "prepare", "workaround", "supa", "async_fallback", "reWriteBatchedInserts",
		}, "remove it: chatd detects connection poolers when it starts"},
		{[]string{
			"socket_timeout", "socketTimeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout",
		}, "remove it: chatd bounds every wait for PostgreSQL, and connect_timeout=SECONDS sets how long a connection may take"},
		{[]string{"loginTimeout", "connectTimeout"}, "write connect_timeout=SECONDS"},
		{[]string{"targetServerType"}, "write target_session_attrs=read-write"},
		{[]string{"loadBalanceHosts"}, "write load_balance_hosts=random"},
		{[]string{"ssl", "sslaccept", "sslfactory"}, "write sslmode=require, or sslmode=verify-full&sslrootcert=FILE"},
		{[]string{"sslidentity"}, "write sslcert=FILE&sslkey=FILE, both PEM"},
		{[]string{"sslpassword"}, "use a key without a password, which only its owner can read"},
		{[]string{"channel_binding", "require_auth", "requirepeer"}, "it is not supported: remove it, and use sslmode=verify-full&sslrootcert=FILE, which proves which server this is"},
		{[]string{"sslcrl", "sslcrldir", "sslcompression", "sslcertmode", "gssencmode", "gsslib", "gssdelegation", "replication"}, "it is not supported: remove it"},
	}
}

// refuseForeign returns an error if one of the parameters is of another program.
func refuseForeign(parameters map[string]string) error {
	var found []string
	for _, f := range foreignParameters() {
		var names []string
		for _, name := range f.names {
			if _, ok := parameters[name]; ok {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			slices.Sort(names)
			found = append(found, strings.Join(names, ", ")+": "+f.next)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "the database URL has parameters that chatd does not have (%s)", strings.Join(found, "; "))
}

// quotable matches the errors of lib/pq that quote no part of a URL which may be a password.
var quotable = regexp.MustCompile(`^pq: (wrong value for "?(\$PG)?([a-z_A-Z]+)"?: .*|could not match .*|weak sslmode .*|min_protocol_version .*|environment variable .*)$`)

// parameterError explains a parameter that lib/pq refuses; nil if the URL itself is wrong.
func parameterError(err error) error {
	m := quotable.FindStringSubmatch(err.Error())
	if m == nil || slices.Contains([]string{"host", "hostaddr", "port"}, m[3]) {
		return nil
	}
	return chat.Errorf(chat.CodeInvalid, "a parameter of the database URL is not valid: %s", m[1])
}

// checkFiles returns an error if a file that the URL names cannot be read. lib/pq ignores some
// files that do not exist, and would then verify nothing, or send no certificate.
func checkFiles(cfg pq.Config) error {
	if cfg.SSLInline {
		return nil
	}
	for _, f := range []struct{ name, path string }{{"sslrootcert", cfg.SSLRootCert}, {"sslcert", cfg.SSLCert}, {"sslkey", cfg.SSLKey}} {
		if f.path == "" || f.name == "sslrootcert" && f.path == "system" {
			continue
		}
		file, err := os.Open(f.path)
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			return failure(chat.CodeNotConfigured, err, "the file of "+f.name+" in DATABASE_URL cannot be read ("+err.Error()+"): correct its path or its rights")
		}
	}
	return nil
}
