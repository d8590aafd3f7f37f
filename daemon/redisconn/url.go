package redisconn

import (
	"crypto/tls"
	"net"
	"net/url"
	"strings"

	"github.com/redis/go-redis/v9"

	"chat"
)

// Address says where Redis is and how it is reached: one of its fields is set.
type Address struct {
	server   *redis.Options
	failover *redis.FailoverOptions
	cluster  *redis.ClusterOptions
}

// The schemes of a Redis URL, without the s of TLS.
const (
	sentinelScheme = "+sentinel"
	clusterScheme  = "+cluster"
)

// ServerAt returns the address of one server.
func ServerAt(o *redis.Options) Address { return Address{server: o} }

// Parse reads a Redis URL: redis:// for one server, redis+sentinel://host,host/master[/db] for
// the server that Sentinels watch under that name, redis+cluster://host,host for a Cluster; and
// rediss:// and so on with TLS. User and password are those of the servers; Sentinels have their
// own as sentinel_username and sentinel_password. Other parameters are those of go-redis, such
// as read_timeout; Open sets the number of connections. The error does not quote the URL, which
// has a password.
func Parse(address string) (Address, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	switch base, kind, _ := strings.Cut(scheme, "+"); {
	case "+"+kind == sentinelScheme && isScheme(base):
		return parseSentinel(base, rest)
	case "+"+kind == clusterScheme && isScheme(base):
		return parseCluster(base, rest)
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return Address{}, chat.Errorf(chat.CodeInvalid, "the Redis URL is not one that Redis takes: write redis://[user:password@]host:port[/db], "+
			"redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port, each with rediss instead of redis for TLS")
	}
	return Address{server: o}, nil
}

func isScheme(s string) bool { return s == "redis" || s == "rediss" }

func errURL(why string) error {
	return chat.Errorf(chat.CodeInvalid, "the Redis URL is not valid: %s", why)
}

// parse reads what follows the scheme of a URL with several hosts, as a URL of the first host
// whose parameters name the others, which is what go-redis expects. User and password are apart.
func parse(base, rest, port string) (*url.URL, *url.Userinfo, error) {
	end := strings.IndexAny(rest, "/?")
	if end < 0 {
		end = len(rest)
	}
	user, list := "", rest[:end]
	if at := strings.LastIndexByte(list, '@'); at >= 0 {
		user, list = list[:at+1], list[at+1:]
	}
	u, err := url.Parse(base + "://" + user + "host" + rest[end:])
	if err != nil {
		return nil, nil, errURL("write redis+sentinel://[user:password@]host:port,host:port/master or redis+cluster://[user:password@]host:port,host:port, with % codes for special characters")
	}
	q, who := u.Query(), u.User
	u.User = nil
	for i, host := range strings.Split(list, ",") {
		one, err := url.Parse(base + "://" + host)
		if err != nil || one.Hostname() == "" || one.User != nil || one.Host != host {
			return nil, nil, errURL("a host is not valid: write host:port, with commas between several")
		}
		if one.Port() == "" {
			one.Host = net.JoinHostPort(one.Hostname(), port)
		}
		if i == 0 {
			u.Host = one.Host
		} else {
			q.Add("addr", one.Host)
		}
	}
	u.RawQuery = q.Encode()
	return u, who, nil
}

func parseSentinel(base, rest string) (Address, error) {
	u, who, err := parse(base, rest, "26379")
	if err != nil {
		return Address{}, err
	}
	master, db, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if master == "" {
		return Address{}, errURL("the name of the master is missing: write redis+sentinel://host:port,host:port/master")
	}
	q := u.Query()
	sentinels := url.UserPassword(q.Get("sentinel_username"), q.Get("sentinel_password"))
	q.Del("sentinel_username")
	q.Del("sentinel_password")
	u.Path, u.RawQuery = "/"+db, q.Encode()
	o, err := redis.ParseFailoverURL(u.String())
	if err != nil {
		return Address{}, errURL(strings.TrimPrefix(err.Error(), "redis: "))
	}
	o.MasterName, o.Username = master, who.Username()
	o.Password, _ = who.Password()
	o.SentinelUsername = sentinels.Username()
	o.SentinelPassword, _ = sentinels.Password()
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // that of each server
	}
	return Address{failover: o}, nil
}

func parseCluster(base, rest string) (Address, error) {
	u, who, err := parse(base, rest, "6379")
	if err != nil {
		return Address{}, err
	}
	if strings.Trim(u.Path, "/") != "" {
		return Address{}, errURL("a Cluster has no numbered databases: leave out what follows the hosts")
	}
	o, err := redis.ParseClusterURL(u.String())
	if err != nil {
		return Address{}, errURL(strings.TrimPrefix(err.Error(), "redis: "))
	}
	o.Username = who.Username()
	o.Password, _ = who.Password()
	if o.TLSConfig != nil {
		o.TLSConfig.ServerName = "" // that of each server
	}
	return Address{cluster: o}, nil
}

// TLS returns the settings of TLS, nil without TLS. The caller may change them.
func (a Address) TLS() *tls.Config {
	switch {
	case a.failover != nil:
		return a.failover.TLSConfig
	case a.cluster != nil:
		return a.cluster.TLSConfig
	}
	return a.server.TLSConfig
}
