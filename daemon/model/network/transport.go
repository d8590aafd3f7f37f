package network

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

// Transport sends requests to all providers.
type Transport struct {
	*http.Transport
	proxies proxies
}

// New returns a Transport. roots, if not nil, replace the system's certificate
// authorities; lookup reads the environment for proxies. Redirects are not followed:
// a RoundTripper does not, and no http.Client is used.
func New(roots *x509.CertPool, lookup func(string) (string, bool)) *Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second, ControlContext: refuseAddress}
	p := proxies{lookup}
	return &Transport{&http.Transport{
		Proxy:                  p.choose,
		OnProxyConnectResponse: p.connected,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots}, // nil means the system's
		ForceAttemptHTTP2:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    128, // answers come in bursts
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		WriteBufferSize:        1 << 10, // each running answer holds one; a longer request goes past it
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}, p}
}

// Proxy returns the proxy for requests to base and the variable that names it, "" if
// there is none.
func (t *Transport) Proxy(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return t.proxies.shown(u)
}

// CertFile returns the value of SSL_CERT_FILE, "" if it is not set.
func (t *Transport) CertFile() string {
	if t.proxies.lookup == nil {
		return ""
	}
	file, _ := t.proxies.lookup("SSL_CERT_FILE")
	return file
}

// LoadAuthorities returns the system's certificate authorities and those in a file,
// in PEM or DER.
func LoadAuthorities(file string) (*x509.CertPool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", file, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any
	}
	if pool.AppendCertsFromPEM(raw) {
		return pool, nil
	}
	one, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("%s has no certificate in it: it must be in PEM, with BEGIN CERTIFICATE", file)
	}
	pool.AddCert(one)
	return pool, nil
}
