package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"chat/internal/services"
)

// need is something that the tests run, and the Debian packages that have it.
type need struct {
	what     string
	packages []string
	there    func() bool
}

// needs lists everything, and besides programs and modules of Python whose packages have
// their names.
// The packages bring more than one program each, so one of them stands for all.
func needs(also []string) []need {
	list := []need{
		{"redis-server", []string{"redis-server"}, onPath("redis-server")},
		{"redis-cli", []string{"redis-tools"}, onPath("redis-cli")},
		{"the PostgreSQL server", []string{"postgresql"}, func() bool {
			_, err := services.PostgresPrograms()
			return err == nil
		}},
		{"pgbouncer", []string{"pgbouncer"}, onPath("pgbouncer")},
		{"tmux", []string{"tmux"}, onPath("tmux")},
		{"curl", []string{"curl"}, onPath("curl")},
		{"node", []string{"nodejs"}, onPath("node")},
		{"npm", []string{"npm"}, onPath("npm")},
		{"haproxy", []string{"haproxy"}, onPath("haproxy")},
		{"nginx", []string{"nginx"}, onPath("nginx")},
		{"a C compiler (for the race detector)", []string{"gcc", "libc6-dev"}, func() bool {
			return os.Getenv("CC") != "" || onPath("gcc")() || onPath("clang")()
		}},
	}
	for _, name := range also {
		there := onPath(name)
		if module, ok := strings.CutPrefix(name, "python3-"); ok {
			there = func() bool { return exec.Command(services.Python, "-c", "import "+module).Run() == nil }
		}
		list = append(list, need{name, []string{name}, there})
	}
	return list
}

// chromium is the browser of tests.
const chromium = "chromium"

func onPath(program string) func() bool {
	return func() bool {
		_, err := exec.LookPath(program)
		if err != nil { // servers are in sbin, which not everybody has on the PATH
			_, err = os.Stat("/usr/sbin/" + program)
		}
		return err == nil
	}
}

// installScript installs its arguments and starts no server of theirs: Debian
// asks policy-rc.d before it starts one. Servers on the usual ports would be
// neither ours nor wanted.
const installScript = `
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' > "$policy"
	chmod 755 "$policy"
fi
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
`

// install installs what is missing, and only that.
func install(ctx context.Context, also []string, stdin io.Reader, stderr io.Writer) error {
	what, packages := missing(needs(also))
	if len(what) == 0 {
		return nil
	}
	lacks := "the tests need " + strings.Join(what, ", ")
	if !onPath("apt-get")() {
		return errors.New(lacks + ": install that (this system has no apt-get, so it cannot be done for you)")
	}
	argv := append([]string{"sh", "-c", installScript, "sh"}, packages...)
	if os.Getuid() != 0 {
		if !onPath("sudo")() {
			return fmt.Errorf("%s: as root, run apt-get install %s (there is no sudo)", lacks, strings.Join(packages, " "))
		}
		argv = append([]string{"sudo"}, argv...)
	}
	fmt.Fprintf(stderr, "withservices: %s: installing %s\n", lacks, strings.Join(packages, " "))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, stderr, stderr // sudo may ask
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(packages, " "), err)
	}
	if what, _ := missing(needs(also)); len(what) > 0 {
		return fmt.Errorf("still missing after the installation: %s", strings.Join(what, ", "))
	}
	return nil
}

func missing(needs []need) (what, packages []string) {
	for _, n := range needs {
		if !n.there() {
			what = append(what, n.what)
			packages = append(packages, n.packages...)
		}
	}
	slices.Sort(packages)
	return what, slices.Compact(packages)
}
