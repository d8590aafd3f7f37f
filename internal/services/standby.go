package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// standbyName is the name by which a standby is known to its primary.
const standbyName = "standby"

// LaunchStandby starts a streaming standby of the server. It gets the changes from address
// (host:port), which may be a proxy before the server. The caller removes it.
func (s *PostgresServer) LaunchStandby(ctx context.Context, address string) (*PostgresServer, error) {
	return launchPostgres(ctx, &PostgresServer{env: s.env}, func(ctx context.Context, standby *PostgresServer) error {
		host, port, _ := strings.Cut(address, ":")
		cmd := exec.CommandContext(ctx, filepath.Join(standby.bin, "pg_basebackup"),
			"--pgdata", standby.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
			"--dbname", fmt.Sprintf("host=%s port=%s user=postgres application_name=%s", host, port, standbyName))
		cmd.Dir, cmd.SysProcAttr = standby.dir, attributes(standby.user)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("pg_basebackup: %w: %s", err, out)
		}
		return nil
	})
}

// SetSynchronous makes every commit wait for the standby, which must be connected.
func (s *PostgresServer) SetSynchronous(ctx context.Context) error {
	for _, statement := range []string{"ALTER SYSTEM SET synchronous_standby_names = '" + standbyName + "'", "SELECT pg_reload_conf()"} {
		if err := s.exec(ctx, statement); err != nil {
			return err
		}
	}
	return s.wait(ctx, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
}

// CaughtUp waits until the standby has everything that is committed now.
func (s *PostgresServer) CaughtUp(ctx context.Context, standby *PostgresServer) error {
	var position string
	if err := s.scan(ctx, "SELECT pg_current_wal_flush_lsn()::text", &position); err != nil {
		return err
	}
	return standby.wait(ctx, "SELECT pg_last_wal_replay_lsn() >= '"+position+"'::pg_lsn")
}

// Promote makes a standby the primary and waits until it accepts changes. It uses no session:
// the snapshot of one could hold up the standby, which first applies what it has received.
func (s *PostgresServer) Promote(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "pg_ctl"), "promote", "--wait", "--timeout=30", "--silent", "--pgdata", s.data())
	cmd.Dir, cmd.SysProcAttr = s.dir, attributes(s.user)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl promote: %w: %s: %s", err, out, s.proc.out)
	}
	return nil
}

// Addr is where the server listens (host:port).
func (s *PostgresServer) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// HostsURL is the URL of the superuser's database on several servers.
func HostsURL(parameters string, addresses ...string) string {
	return "postgres://postgres@" + strings.Join(addresses, ",") + "/postgres?sslmode=disable&" + parameters
}

func (s *PostgresServer) exec(ctx context.Context, statement string) (err error) {
	db, err := sql.Open("postgres", s.URL())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (s *PostgresServer) scan(ctx context.Context, query string, into any) (err error) {
	db, err := sql.Open("postgres", s.URL())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.QueryRowContext(ctx, query).Scan(into)
}

// wait waits until a query returns true.
func (s *PostgresServer) wait(ctx context.Context, query string) error {
	return s.proc.Ready(ctx, func(ctx context.Context) error {
		var ok bool
		if err := s.scan(ctx, query, &ok); err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("not yet: %s", query)
		}
		return nil
	})
}

// StartStandby starts a standby of the server for this test alone.
func (s *PostgresServer) StartStandby(t testing.TB) *PostgresServer {
	t.Helper()
	standby, err := s.LaunchStandby(t.Context(), s.Addr())
	if err != nil {
		t.Fatalf("%v: %s", err, HowTo)
	}
	t.Cleanup(func() {
		if err := standby.Remove(); err != nil {
			t.Errorf("end the standby: %v", err)
		}
	})
	return standby
}
