package services

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// EnvPgBouncer selects another PgBouncer than the installed one, for tests with
// other versions.
const EnvPgBouncer = "CHAT_TEST_PGBOUNCER"

// PgBouncer is a PgBouncer process on a loopback port, in front of one PostgreSQL
// server.
type PgBouncer struct {
	dir  string
	base *url.URL
	port int
	proc *Process
}

// LaunchPgBouncer starts a PgBouncer in front of the server at base and waits until
// it answers. settings are more lines for its configuration, such as "pool_mode =
// transaction". The caller removes it. PgBouncer refuses to run as root, so root
// starts it as the user that PostgreSQL runs as.
func LaunchPgBouncer(ctx context.Context, base string, settings ...string) (*PgBouncer, error) {
	path, err := pgbouncerProgram()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("the server's URL: %w", err)
	}
	dir, err := os.MkdirTemp("", "chat-pgbouncer-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	s := &PgBouncer{dir: dir, base: u}
	for range portTries {
		if s.port, err = FreePort(ctx); err != nil {
			break
		}
		if err = s.start(ctx, path, settings); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Remove())
}

// StartPgBouncer starts a PgBouncer for this test alone.
func StartPgBouncer(t testing.TB, base string, settings ...string) *PgBouncer {
	t.Helper()
	s, err := LaunchPgBouncer(t.Context(), base, settings...)
	if err != nil {
		t.Fatalf("%v: %s", err, HowTo)
	}
	t.Cleanup(func() {
		if err := s.Remove(); err != nil {
			t.Errorf("end pgbouncer: %v", err)
		}
	})
	return s
}

// PgBouncerVersion is the version that the program reports, such as "1.18.0".
func PgBouncerVersion(ctx context.Context) (string, error) {
	path, err := pgbouncerProgram()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("pgbouncer --version: %w", err)
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(string(out), "PgBouncer "), "\n")
	return version, nil
}

func pgbouncerProgram() (string, error) {
	for _, name := range []string{cmp.Or(os.Getenv(EnvPgBouncer), "pgbouncer"), "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("pgbouncer is not installed")
}

func (s *PgBouncer) start(ctx context.Context, path string, settings []string) error {
	config := fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
max_client_conn = 500
%s
`, s.base.Hostname(), s.base.Port(), s.port, filepath.Join(s.dir, "users"), strings.Join(settings, "\n"))
	users := fmt.Sprintf("\"%s\" \"\"\n\"chat_user\" \"\"\n", s.base.User.Username())
	for name, text := range map[string]string{"pgbouncer.ini": config, "users": users} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	command := Command{Path: path, Args: []string{filepath.Join(s.dir, "pgbouncer.ini")}, Dir: s.dir}
	if os.Getuid() == 0 {
		credential, err := unprivileged()
		if err != nil {
			return err
		}
		for _, name := range []string{"", "pgbouncer.ini", "users"} {
			if err := os.Chown(filepath.Join(s.dir, name), int(credential.Uid), int(credential.Gid)); err != nil {
				return fmt.Errorf("hand over the configuration: %w", err)
			}
		}
		command.user = credential
	}
	p, err := command.Start()
	if err != nil {
		return err
	}
	s.proc = p
	if err := p.Ready(ctx, s.ping); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

func (s *PgBouncer) ping(ctx context.Context) error {
	db, err := sql.Open("postgres", s.URL())
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}

// URL returns the URL of the server's database through PgBouncer.
func (s *PgBouncer) URL() string { return s.before(*s.base) }

// Before returns the URL of any database of the server through PgBouncer.
func (s *PgBouncer) Before(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return s.before(*u)
}

func (s *PgBouncer) before(u url.URL) string {
	u.Host = fmt.Sprintf("127.0.0.1:%d", s.port)
	return u.String()
}

// Kill ends it immediately. Killing one that is not running is no error.
func (s *PgBouncer) Kill() error {
	if s.proc == nil {
		return nil
	}
	return s.proc.Stop(syscall.SIGKILL)
}

// Remove kills it and deletes its configuration.
func (s *PgBouncer) Remove() error { return errors.Join(s.Kill(), os.RemoveAll(s.dir)) }
