package redisconn

import (
	"slices"
	"strings"
	"testing"
)

func TestURLsNameServersSentinelsAndClusters(t *testing.T) {
	for url, want := range map[string]struct {
		kind, hosts, user, password, master string
		db                                  int
		tls                                 bool
		sentinel                            string // user and password of the Sentinels
	}{
		"redis://h:1/2":             {kind: "server", hosts: "h:1", db: 2},
		"rediss://u:p@h":            {kind: "server", hosts: "h:6379", user: "u", password: "p", tls: true},
		"redis+cluster://a:1,b:2,c": {kind: "cluster", hosts: "a:1 b:2 c:6379"},
		"redis+cluster://a:1/":      {kind: "cluster", hosts: "a:1"},
		"rediss+cluster://u:p%40q,r@a:1,[::1]:2?pool_size=3": {kind: "cluster", hosts: "a:1 [::1]:2", user: "u", password: "p@q,r", tls: true},
		"redis+sentinel://a,b:2/main":                        {kind: "sentinel", hosts: "a:26379 b:2", master: "main"},
		"rediss+sentinel://:p@a:1/main/3?sentinel_username=s&sentinel_password=x%26": {
			kind: "sentinel", hosts: "a:1", password: "p", master: "main", db: 3, tls: true, sentinel: "s x&",
		},
	} {
		a, err := Parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := want
		switch {
		case a.failover != nil:
			o := a.failover
			got.kind, got.user, got.password, got.master, got.db = "sentinel", o.Username, o.Password, o.MasterName, o.DB
			got.sentinel = strings.TrimSpace(o.SentinelUsername + " " + o.SentinelPassword)
		case a.cluster != nil:
			got.kind, got.user, got.password = "cluster", a.cluster.Username, a.cluster.Password
		default:
			got.kind, got.user, got.password, got.db = "server", a.server.Username, a.server.Password, a.server.DB
		}
		c := a.Open(1)
		got.hosts, got.tls = strings.Join(c.Hosts(), " "), a.TLS() != nil
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", url, got, want)
		}
	}
}

func TestAnInvalidURLIsExplainedWithoutThePassword(t *testing.T) {
	for url, says := range map[string]string{
		"http://:secret@h":                         "redis+cluster://",
		"redis+cluster://:secret@":                 "host:port",
		"redis+cluster://:secret@a,,b":             "host:port",
		"redis+cluster://:secret@a,b:x":            "host:port",
		"redis+cluster://:secret@a,b/3":            "numbered databases",
		"redis+cluster://:secret@a?nothing=1":      "nothing",
		"redis+sentinel://:secret@a,b":             "name of the master",
		"redis+sentinel://:secret@a,b/main/x":      "database number",
		"redis+sentinel://:sec%zzret@a/main":       "% codes",
		"redis+sentinel://:secret@a/main?tls=true": "tls",
		"redis+unix://:secret@a":                   "redis://",
	} {
		_, err := Parse(url)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "ret@") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestNamesInAClusterHaveOneSlotAStream(t *testing.T) {
	a, err := Parse("redis+cluster://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	c := a.Open(1)
	defer func() { _ = c.Close() }() // it was never connected
	n := c.Names()
	for _, name := range []string{n.Chunks("t"), n.Packed("t"), n.Metadata("t"), n.Channel("t")} {
		if !strings.HasPrefix(name, "stream:{t}") {
			t.Error(name)
		}
	}
	if n.Queue("urgent") != "{queue}:urgent" || !slices.Contains(n.Patterns(), "{queue}:*") {
		t.Error(n.Queue("urgent"), n.Patterns())
	}
}
