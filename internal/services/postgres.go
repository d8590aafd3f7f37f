package services

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// PostgresServer is a PostgreSQL server on a loopback port, with a data directory
// of its own and without durability.
type PostgresServer struct {
	bin  string // directory of the server's programs
	dir  string // ours: the data and the lock files
	port int
	user *syscall.Credential
	env  []string // nil: ours
	proc *Process

	settings []string // besides the usual ones
}

// LaunchPostgres creates a data directory, starts a server on it and waits until it
// answers. The caller removes it. PostgreSQL refuses to run as root, so root starts
// it as the user postgres or nobody. env is added to our environment.
func LaunchPostgres(ctx context.Context, env ...string) (*PostgresServer, error) {
	return launchPostgres(ctx, &PostgresServer{env: besides(env)}, initialise)
}

// LaunchPostgresWith is LaunchPostgres with settings such as "shared_buffers=512MB".
func LaunchPostgresWith(ctx context.Context, settings ...string) (*PostgresServer, error) {
	return launchPostgres(ctx, &PostgresServer{settings: settings}, initialise)
}

// launchPostgres starts s on the data that fill puts into its data directory.
func launchPostgres(ctx context.Context, s *PostgresServer, fill func(context.Context, *PostgresServer) error) (*PostgresServer, error) {
	bin, err := PostgresPrograms()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "chat-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a data directory: %w", err)
	}
	s.bin, s.dir = bin, dir
	if err = s.own(); err == nil {
		err = fill(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	for range portTries {
		if s.port, err = FreePort(ctx); err != nil {
			break
		}
		if err = s.Start(ctx); err == nil {
			return s, nil
		}
	}
	return nil, errors.Join(err, s.Remove())
}

// own gives the directory to the user that runs the server.
func (s *PostgresServer) own() error {
	if os.Getuid() != 0 {
		return nil
	}
	credential, err := unprivileged()
	if err != nil {
		return err
	}
	if err := os.Chown(s.dir, int(credential.Uid), int(credential.Gid)); err != nil {
		return fmt.Errorf("hand over the data directory: %w", err)
	}
	s.user = credential
	return nil
}

// initialise makes an empty data directory.
func initialise(ctx context.Context, s *PostgresServer) error {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"),
		"--pgdata", s.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--locale", locale(), "--no-sync")
	cmd.Dir, cmd.SysProcAttr = s.dir, attributes(s.user)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// Start starts the server on the same data and port as before, and waits until it
// answers.
func (s *PostgresServer) Start(ctx context.Context) error {
	args := []string{
		"-D", s.data(), "-h", "127.0.0.1", "-p", strconv.Itoa(s.port), "-c", "unix_socket_directories=" + s.dir,
		// A commit survives a crash of the server, not one of the machine.
		"-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "max_connections=300", "-c", "shared_buffers=64MB",
	}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	p, err := Command{Path: filepath.Join(s.bin, "postgres"), Args: args, Dir: s.dir, Env: s.env, user: s.user}.Start()
	if err != nil {
		return err
	}
	s.proc = p
	if err := p.Ready(ctx, s.ping); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

func (s *PostgresServer) ping(ctx context.Context) error {
	db, err := sql.Open("postgres", s.URL())
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}

// Kill ends the server immediately, as a crash would: connections are cut, and the
// next Start recovers what was committed. Killing a server that is not running
// is no error.
func (s *PostgresServer) Kill() error {
	if s.proc == nil {
		return nil
	}
	return s.proc.Stop(syscall.SIGQUIT)
}

// Remove kills the server and deletes its data.
func (s *PostgresServer) Remove() error { return errors.Join(s.Kill(), os.RemoveAll(s.dir)) }

// Pid is the server's process id; each connection has a child of it.
func (s *PostgresServer) Pid() int { return s.proc.Pid() }

// SocketDir is the directory of the server's unix socket.
func (s *PostgresServer) SocketDir() string { return s.dir }

// URL is the URL of the superuser's database.
func (s *PostgresServer) URL() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", s.port)
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

// PostgresPrograms is the directory of initdb and postgres: the one on the PATH,
// or the newest of Debian's.
func PostgresPrograms() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		path, err = filepath.EvalSymlinks(path) // the other programs may have no link
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	best, newest := "", -1.0
	for _, path := range found {
		dir := filepath.Dir(path)
		version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
		if err == nil && version > newest {
			best, newest = dir, version
		}
	}
	if best == "" {
		return "", errors.New("the PostgreSQL server is not installed: initdb was not found")
	}
	return best, nil
}

// locale is a UTF-8 locale that the system always has.
func locale() string {
	if runtime.GOOS == "linux" {
		return "C.UTF-8"
	}
	return "en_US.UTF-8"
}

// unprivileged is the user that runs the server for root.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")
}
