package network

import (
	"net"
	"net/url"
	"strings"
)

// Origin is the origin of u in the sense of RFC 6454.
func Origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}
