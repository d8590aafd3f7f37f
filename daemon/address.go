package daemon

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
)

// parseListen reads an address of --listen: unix:///path or tcp://host:port. Its
// errors say how to write what was probably meant.
func parseListen(addr string) (network, address string, err error) {
	scheme, rest, found := strings.Cut(addr, "://")
	switch {
	case !found:
		return "", "", fmt.Errorf("%q has no scheme: write %s", addr, suggestAddress(addr))
	case scheme == "unix":
		path, err := url.PathUnescape(rest)
		if err != nil || !filepath.IsAbs(path) {
			return "", "", fmt.Errorf("%q needs an absolute path: write unix:///path", addr)
		}
		return "unix", path, nil
	case scheme != "tcp":
		return "", "", fmt.Errorf("%q is neither unix:///path nor tcp://host:port: write %s", addr, suggestAddress(rest))
	}
	_, port, err := net.SplitHostPort(rest)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", "", fmt.Errorf("%q is not an address: write %s, with a number for the port", addr, suggestAddress(rest))
	}
	return "tcp", rest, nil
}

// suggestAddress returns the probable form of an address without a scheme.
func suggestAddress(rest string) string {
	if filepath.IsAbs(rest) {
		return "unix://" + rest
	}
	hostport, _, _ := strings.Cut(rest, "/")
	if _, err := strconv.ParseUint(hostport, 10, 16); err == nil {
		hostport = ":" + hostport
	}
	host, port, err := net.SplitHostPort(hostport)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "tcp://host:port"
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return "tcp://" + net.JoinHostPort(host, port)
}

func setListen(c *Config, v string) error {
	for _, addr := range parts(v) {
		if _, _, err := parseListen(addr); err != nil {
			return err
		}
		c.Listen = append(c.Listen, addr)
	}
	return nil
}

// setOrigins sets the allowed web origins. It accepts only the form that browsers send.
func setOrigins(c *Config, v string) error {
	for _, origin := range parts(v) {
		u, err := url.Parse(origin)
		switch {
		case err == nil && u.Scheme != "" && u.Host != "":
			if plain := u.Scheme + "://" + u.Host; origin != plain {
				return fmt.Errorf("%q is a page, not an origin: write %s", origin, plain)
			}
		case err == nil && u.Scheme == "" && strings.Contains(origin, "."):
			return fmt.Errorf("%q has no scheme: write https://%s", origin, origin)
		default:
			return fmt.Errorf("%q is not a web origin: write https://host or https://host:port, each by name", origin)
		}
		c.AllowOrigins = append(c.AllowOrigins, origin)
	}
	return nil
}

// parts returns the values of a list with commas.
func parts(v string) []string {
	var list []string
	for p := range strings.SplitSeq(v, ",") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}
