package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"chat/internal/services"
)

// Balancer is a proxy in front of chatd, with the settings that its package installs.
type Balancer struct {
	program string
	file    string // of the configuration
	config  func(w *World, listen string, servers []string) string
	args    func(file string) []string
}

// NGINX returns the balancer nginx.
func NGINX() *Balancer {
	return &Balancer{"nginx", "nginx.conf", nginxConfig, func(file string) []string { return []string{"-c", file, "-e", "stderr"} }}
}

// HAProxy returns the balancer haproxy.
func HAProxy() *Balancer {
	return &Balancer{"haproxy", "haproxy.cfg", haproxyConfig, func(file string) []string { return []string{"-db", "-f", file} }}
}

func nginxConfig(w *World, listen string, servers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off;\nmaster_process off;\npid %s/nginx.pid;\nevents {}\nhttp {\n\taccess_log off;\n", w.Dir)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "\t%s_temp_path %s/%s;\n", kind, w.Dir, kind)
	}
	b.WriteString("\tupstream chatd {\n")
	for _, s := range servers { // as in docs/operations.md: otherwise no server is tried for ten seconds after both have failed
		fmt.Fprintf(&b, "\t\tserver %s max_fails=0;\n", s)
	}
	fmt.Fprintf(&b, "\t}\n\tserver {\n\t\tlisten %s;\n\t\tlocation / { proxy_pass http://chatd; }\n\t}\n}\n", listen)
	return b.String()
}

func haproxyConfig(_ *World, listen string, servers []string) string {
	var b strings.Builder
	// The times are those of Debian's haproxy.cfg.
	fmt.Fprintf(&b, "defaults\n\tmode http\n\ttimeout connect 5000\n\ttimeout client 50000\n\ttimeout server 50000\nfrontend f\n\tbind %s\n\tdefault_backend b\nbackend b\n", listen)
	for i, s := range servers {
		fmt.Fprintf(&b, "\tserver s%d %s\n", i+1, s)
	}
	return b.String()
}

// start starts the balancer in front of the APIs of w.
func (b *Balancer) start(ctx context.Context, w *World, listen string) error {
	path, err := exec.LookPath(b.program)
	if err != nil {
		path = "/usr/sbin/" + b.program // not on every PATH
	}
	var servers []string
	for _, n := range w.API {
		servers = append(servers, n.Listen)
	}
	file := filepath.Join(w.Dir, b.file)
	if err := os.WriteFile(file, []byte(b.config(w, listen, servers)), 0o600); err != nil {
		return err
	}
	p, err := services.Command{Path: path, Args: b.args(file), Dir: w.Dir}.Start()
	if err != nil {
		return fmt.Errorf("%w (task lab installs it)", err)
	}
	w.closers = append(w.closers, func() error { return p.Stop(os.Interrupt) })
	return p.Ready(ctx, func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", listen)
		if err != nil {
			return err
		}
		return errors.Join(c.Close())
	})
}
