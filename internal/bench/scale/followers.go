//go:build linux

package scale

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Idle is what followers cost that wait.
type Idle struct {
	Followers int     `json:"followers"`
	APIs      int     `json:"apis"`
	FileLimit int     `json:"file_limit"`
	KiB       float64 `json:"kib"`      // of the API processes for each follower
	Cores     float64 `json:"cores"`    // that the API processes use for all followers
	Redis     float64 `json:"redis"`    // cores
	Postgres  float64 `json:"postgres"` // cores
	Foreign   float64 `json:"foreign"`  // cores that other processes used
	Ended     int     `json:"ended"`    // followers whose stream ended early
}

const (
	// idleStreams are the running answers that the followers share. They are silent.
	idleStreams = 100
	// spareFiles are the open files that a process needs besides its followers.
	spareFiles = 500
	// idleFor is how long the cost of waiting is measured. It has two heartbeats.
	idleFor = 30 * time.Second
)

// MeasureFollowers opens n followers and lets them wait. If one process may not have that
// many open files, they are shared by several API processes, as an operator would do it. self is
// this program, which holds the followers (Hold) in processes of their own that write errors to
// stderr.
func MeasureFollowers(ctx context.Context, self, chatd string, n int, stderr io.Writer) (_ Idle, err error) {
	limit, err := fileLimit()
	if err != nil {
		return Idle{}, err
	}
	each := min(n, limit-spareFiles)
	r := Idle{Followers: n, APIs: (n + each - 1) / each, FileLimit: limit}
	s, err := open(ctx, chatd, Layout{APIs: r.APIs, Workers: 1})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	tasks := make([]string, idleStreams)
	for i := range tasks {
		if tasks[i], err = s.submit(ctx, s.apis[0]); err != nil {
			return r, err
		}
	}
	if err := s.warmUp(ctx, tasks[0]); err != nil {
		return r, err
	}
	before, err := memory(s.pids[KindAPI])
	if err != nil {
		return r, err
	}
	holders, err := s.hold(ctx, self, tasks, n, stderr)
	if err != nil {
		return r, err
	}
	first, err := s.read()
	if err == nil {
		err = pause(ctx, idleFor)
	}
	if err != nil {
		return r, errors.Join(err, end(holders, &r.Ended))
	}
	last, err := s.read()
	if err != nil {
		return r, errors.Join(err, end(holders, &r.Ended))
	}
	after, err := memory(s.pids[KindAPI])
	r.KiB = float64(after-before) / 1024 / float64(n)
	cores := func(kind string) float64 {
		return (last.cpu[kind] - first.cpu[kind]).Seconds() / last.at.Sub(first.at).Seconds()
	}
	r.Cores, r.Redis, r.Postgres = cores(KindAPI), cores(KindRedis), cores(KindPostgres)
	ours := 0.0
	for kind := range s.pids {
		ours += cores(kind)
	}
	r.Foreign = max(0, (last.machine-first.machine).Seconds()/last.at.Sub(first.at).Seconds()-ours)
	return r, errors.Join(err, end(holders, &r.Ended))
}

// warmUp has each API process serve a stream once, so that what it makes only once is not
// counted as memory of followers.
func (s *site) warmUp(ctx context.Context, task string) error {
	for i, api := range s.apis {
		r, err := follow(api, task, i)
		if err != nil {
			return err
		}
		if err := errors.Join(r.awaitFirst(), r.close()); err != nil {
			return err
		}
	}
	return pause(ctx, time.Second)
}

// holder is a process that holds followers.
type holder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// hold opens n followers, in one process for each API process.
func (s *site) hold(ctx context.Context, self string, tasks []string, n int, stderr io.Writer) (list []holder, err error) {
	for i, api := range s.apis {
		share := n / len(s.apis)
		if i == 0 {
			share += n % len(s.apis)
		}
		cmd := exec.CommandContext(ctx, self, "-hold", strconv.Itoa(share), "-api", api.String(), "-tasks", strings.Join(tasks, ","))
		cmd.Stderr = stderr
		h := holder{cmd: cmd}
		if h.in, err = cmd.StdinPipe(); err != nil {
			return list, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return list, err
		}
		h.out = bufio.NewReader(out)
		if err := cmd.Start(); err != nil {
			return list, err
		}
		list = append(list, h)
		if line, err := h.out.ReadString('\n'); err != nil {
			return list, fmt.Errorf("the followers are not there: %w: %q", err, line)
		}
	}
	return list, nil
}

// end ends the followers and counts those whose stream ended before.
func end(holders []holder, ended *int) error {
	var errs []error
	for _, h := range holders {
		errs = append(errs, h.in.Close())
		var n int
		errs = append(errs, json.NewDecoder(h.out).Decode(&n))
		errs = append(errs, h.cmd.Wait())
		*ended += n
	}
	return errors.Join(errs...)
}

// Hold opens n followers of tasks, writes a line when each has had a token, and waits until
// in ends. It then writes how many streams had ended before.
func Hold(n int, api netip.AddrPort, tasks []string, in io.Reader, out io.Writer) error {
	if _, err := fileLimit(); err != nil {
		return err
	}
	all := make([]*reader, 0, n)
	for i := range n {
		r, err := follow(api, tasks[i%len(tasks)], i)
		if err != nil {
			return err
		}
		all = append(all, r)
		if err := r.awaitFirst(); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "ready")
	if _, err := io.Copy(io.Discard, in); err != nil {
		return err
	}
	ended := 0
	buf := make([]byte, readBuffer)
	for _, r := range all {
		if err := r.drain(buf, false); err != nil && !errors.Is(err, unix.ECONNRESET) {
			return err
		}
		if r.ended {
			ended++
		}
	}
	return json.NewEncoder(out).Encode(ended)
}
