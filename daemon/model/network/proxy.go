package network

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"chat"
)

// proxies selects the proxy that the environment names. net/http has the same rules, but
// ignores ALL_PROXY, and its errors do not name the variable.
type proxies struct{ lookup func(string) (string, bool) }

// variable returns the first of the variables that is set, in upper or lower case.
func (p proxies) variable(names ...string) (name, value string) {
	for _, n := range names {
		for _, name := range []string{n, strings.ToLower(n)} {
			if v, ok := p.lookup(name); ok && strings.TrimSpace(v) != "" {
				return name, strings.TrimSpace(v)
			}
		}
	}
	return "", ""
}

// forURL returns the proxy for requests to u, and the variable that names it; "" if the
// requests go directly.
func (p proxies) forURL(u *url.URL) (proxy *url.URL, name string, err error) {
	if p.lookup == nil || p.direct(u) {
		return nil, "", nil
	}
	name, value := p.variable(strings.ToUpper(u.Scheme)+"_PROXY", "ALL_PROXY")
	if name == "" {
		return nil, "", nil
	}
	proxy, err = parseProxy(value)
	if err != nil {
		return nil, name, chat.Errorf(chat.CodeNotConfigured, "the proxy in %s (%s) %w: write it as in http://proxy.example.com:3128, or unset it", name, PrintableURL(value), err)
	}
	return proxy, name, nil
}

func parseProxy(value string) (*url.URL, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL")
	}
	switch u.Scheme = strings.ToLower(u.Scheme); u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errors.New("must begin with http://, https:// or socks5://")
}

// choose is http.Transport.Proxy.
func (p proxies) choose(req *http.Request) (*url.URL, error) {
	u, _, err := p.forURL(req.URL)
	return u, err
}

// connected is http.Transport.OnProxyConnectResponse: the error of a proxy that refuses
// names its variable.
func (p proxies) connected(_ context.Context, _ *url.URL, req *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return ProxyRefused(p.shown(&url.URL{Scheme: "https", Host: req.URL.Host}), resp.StatusCode)
}

// shown formats the proxy for u with its variable, without user info; "" if there is none.
func (p proxies) shown(u *url.URL) string {
	proxy, name, err := p.forURL(u)
	if err != nil || proxy == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", name, (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String())
}

// ProxyRefused returns the error of a proxy that refused with a status.
func ProxyRefused(proxy string, status int) *chat.Error {
	proxy = cmp.Or(proxy, "HTTPS_PROXY")
	switch status {
	case http.StatusProxyAuthRequired:
		return chat.Errorf(chat.CodeProviderConnect, "the proxy in %s wants a user name and a password (407): write them into it, as in http://user:password@host:port", proxy)
	case http.StatusForbidden:
		return chat.Errorf(chat.CodeProviderConnect, "the proxy in %s does not allow the connection (403): have it allowed, or name the host in NO_PROXY", proxy)
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderConnect, "the proxy in %s could not make the connection (%d): check it, or name the host in NO_PROXY", proxy, status))
}

// direct reports whether requests to u bypass the proxy: those to this machine, and to
// hosts in NO_PROXY.
func (p proxies) direct(u *url.URL) bool {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.Unmap().IsLoopback() {
		return true
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	_, list := p.variable("NO_PROXY")
	for _, entry := range strings.FieldsFunc(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' || r == ';' }) {
		if covers(entry, host, port, ip) {
			return true
		}
	}
	return false
}

// covers reports whether an entry of NO_PROXY names a host: *, example.com and .example.com
// with their subdomains, an address, a network, each with a port or without.
func covers(entry, host, port string, ip netip.Addr) bool {
	if entry == "*" {
		return true
	}
	if network, err := netip.ParsePrefix(entry); err == nil {
		return ip.IsValid() && network.Contains(ip.Unmap())
	}
	if h, p, err := net.SplitHostPort(entry); err == nil {
		if p != port {
			return false
		}
		entry = h
	}
	entry = strings.Trim(entry, "[]")
	if a, err := netip.ParseAddr(entry); err == nil {
		return ip.IsValid() && a.Unmap() == ip.Unmap()
	}
	entry = strings.TrimPrefix(strings.TrimPrefix(entry, "*"), ".")
	return entry != "" && (host == entry || strings.HasSuffix(host, "."+entry))
}
