package database

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lib/pq"
)

// servers lists where lib/pq dials for a configuration, in order.
func servers(cfg pq.Config) (list []string) {
	for _, one := range newHosts(&cfg).all {
		list = append(list, address(one))
	}
	return list
}

func TestHostsOfAURL(t *testing.T) {
	for dsn, want := range map[string][]string{
		"postgres://u:p@h1:5432,h2:5433/db":                       {"h1:5432", "h2:5433"},
		"postgresql://u@h1,h2:5433/db?sslmode=disable":            {"h1:5432", "h2:5433"},
		"postgres://h1,h2/db?port=6000":                           {"h1:6000", "h2:6000"},
		"postgres://h1,h2/db?port=6000,6001":                      {"h1:6000", "h2:6001"},
		"postgres://u@/db?host=h1,h2&port=1,2":                    {"h1:1", "h2:2"},
		"postgres://u:a%40b@[::1]:5433,[fe80::2],h3:1/db":         {"[::1]:5433", "[fe80::2]:5432", "h3:1"},
		"postgres://%2Frun%2Fa,%2Frun%2Fb:5433/db":                {"/run/a/.s.PGSQL.5432", "/run/b/.s.PGSQL.5433"},
		"postgres:///db?host=/tmp/x":                              {"/tmp/x/.s.PGSQL.5432"},
		"host=h1,h2 port=5432,5433 dbname=db":                     {"h1:5432", "h2:5433"},
		"host=h1,h2 hostaddr=10.0.0.1,10.0.0.2 dbname=db":         {"10.0.0.1:5432", "10.0.0.2:5432"},
		"postgres://h1:1,h2:2/db?host=h3":                         {"h3:5432"},
		"postgres://u@[::1]:5433/db":                              {"[::1]:5433"},
		"postgres://u@h:5433/db?options=-c%20search_path%3Da%2Cb": {"h:5433"},
	} {
		cfg, err := postgresConfig(dsn)
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if got := servers(cfg); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", dsn, got, want)
		}
	}
}

func TestTheServerThatWasFoundIsTriedFirst(t *testing.T) {
	for parameters, want := range map[string]string{
		"":                                "h2 h3 h1 read-write",
		"?target_session_attrs=primary":   "h2 h3 h1 primary",
		"?target_session_attrs=any":       "h1 h2 h3 any",
		"?target_session_attrs=standby":   "h1 h2 h3 standby",
		"?target_session_attrs=read-only": "h1 h2 h3 read-only",
		"?load_balance_hosts=random":      "h1 h2 h3 read-write",
	} {
		cfg, err := postgresConfig("postgres://h1,h2,h3/db" + parameters)
		if err != nil {
			t.Fatal(err)
		}
		h := newHosts(&cfg)
		h.setFound("h2:5432")
		h.order(&cfg)
		if got := fmt.Sprintf("%s %s %s %s", cfg.Host, cfg.Multi[0].Host, cfg.Multi[1].Host, cfg.TargetSessionAttrs); got != want {
			t.Errorf("%s: %s, want %s", parameters, got, want)
		}
	}
	cfg, err := postgresConfig("postgres://h1/db")
	if err != nil {
		t.Fatal(err)
	}
	if newHosts(&cfg); cfg.TargetSessionAttrs != "" {
		t.Errorf("one server must have the role %s", cfg.TargetSessionAttrs)
	}
}
