package openai_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/model/network"
	"chat/daemon/model/providers"
	"chat/daemon/model/transport"
)

// authority is a certificate authority of our own.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func certificate(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	cert, key := certificate(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil)
	return &authority{cert, key}
}

// file is the authority's certificate in a file.
func (a *authority) file(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secure is a server on loopback whose certificate is made after template.
func secure(t *testing.T, by *authority, template *x509.Certificate, edit func(*tls.Config)) string {
	t.Helper()
	cert, key := certificate(t, template, by)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}`)) // the client may have gone
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}}
	if edit != nil {
		edit(server.TLS)
	}
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

func loopback() []net.IP { return []net.IP{net.IPv4(127, 0, 0, 1)} }

func TestCertificatesThatAreNotAcceptedSayWhy(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t, "Example Corp Root CA")
	for name, tc := range map[string]struct {
		by       *authority
		template *x509.Certificate
		edit     func(*tls.Config)
		trusted  bool
		says     []string
	}{
		"an unknown issuer":  {ca, &x509.Certificate{IPAddresses: loopback()}, nil, false, []string{`issued by "Example Corp Root CA"`, "SSL_CERT_FILE", "ca_file", "chat daemon restart"}},
		"self-signed":        {nil, &x509.Certificate{Subject: pkix.Name{CommonName: "nas"}, IPAddresses: loopback()}, nil, false, []string{"self-signed", "nas", "SSL_CERT_FILE"}},
		"a name with tricks": {nil, &x509.Certificate{Subject: pkix.Name{CommonName: "nas\x1b[2J\n"}, IPAddresses: loopback()}, nil, false, []string{"nas[2J"}},
		"expired":            {ca, &x509.Certificate{IPAddresses: loopback(), NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(1.1e9, 0)}, nil, true, []string{"expired on 2004-11-09", "clock"}},
		"not valid yet":      {ca, &x509.Certificate{IPAddresses: loopback(), NotBefore: time.Now().Add(48 * time.Hour), NotAfter: time.Now().Add(72 * time.Hour)}, nil, true, []string{"not valid before", "clock"}},
		"another host":       {ca, &x509.Certificate{DNSNames: []string{"api.example.com"}}, nil, true, []string{"api.example.com", "OPENAI_BASE_URL"}},
		"wants one of ours":  {ca, &x509.Certificate{IPAddresses: loopback()}, func(c *tls.Config) { c.ClientAuth = tls.RequireAnyClientCert }, true, []string{"certificate from its clients"}},
		"an old TLS":         {ca, &x509.Certificate{IPAddresses: loopback()}, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, true, []string{"TLS 1.2"}},
	} {
		base := secure(t, tc.by, tc.template, tc.edit)
		cfg := providers.Config{BaseURL: base, Key: modeltest.Key, DefaultModel: "m", Lookup: noEnvironment}
		if tc.trusted {
			pool, err := network.LoadAuthorities(ca.file(t))
			if err != nil {
				t.Fatal(err)
			}
			cfg.Authorities = pool
		}
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, newRegistry(t, cfg), modeltest.Ask("hello")).Err, chat.CodeProviderConnect, false)
		for _, want := range append(tc.says, strings.TrimSuffix(strings.TrimPrefix(base, "https://"), "/v1")) {
			if !strings.Contains(e.Message, want) {
				t.Errorf("%s: no %q in %q", name, want, e.Message)
			}
		}
	}
}

func noEnvironment(string) (string, bool) { return "", false }

func TestAuthoritiesAreAdded(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t, "Example CA"), newAuthority(t, "Other CA")
	base := secure(t, ca, &x509.Certificate{IPAddresses: loopback()}, nil)
	der := filepath.Join(t.TempDir(), "ca.cer")
	both := filepath.Join(t.TempDir(), "both.pem")
	bundle := append([]byte("# ours\n"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: other.cert.Raw})...)
	bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})...)
	for path, content := range map[string][]byte{der: ca.cert.Raw, both: bundle} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{ca.file(t), der, both} {
		pool, err := network.LoadAuthorities(file)
		if err != nil {
			t.Fatal(err)
		}
		r := newRegistry(t, providers.Config{BaseURL: base, Key: modeltest.Key, DefaultModel: "m", Authorities: pool})
		if g := modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")); g.Err != nil || g.Content != "Hello." {
			t.Errorf("%s: %v", file, g.Err)
		}
		if system, err := x509.SystemCertPool(); err == nil && len(system.Subjects()) > 0 && len(pool.Subjects()) <= len(system.Subjects()) { //nolint:staticcheck // how many there are is all that is asked
			t.Errorf("%s: the system's authorities are gone", file)
		}
	}
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, t.TempDir(), filepath.Join(t.TempDir(), "missing.pem")} {
		if _, err := network.LoadAuthorities(file); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// What SSL_CERT_FILE names in the daemon's environment is said where it does not help.
func TestAVariableThatDoesNotHelpIsNamed(t *testing.T) {
	t.Parallel()
	base := secure(t, newAuthority(t, "Example CA"), &x509.Certificate{IPAddresses: loopback()}, nil)
	other := newAuthority(t, "Other CA").file(t)
	for file, says := range map[string]string{other: "does not have that issuer", "/nonexistent/ca.pem": "cannot be read"} {
		r := newRegistry(t, providers.Config{BaseURL: base, DefaultModel: "m", Lookup: func(name string) (string, bool) { return file, name == "SSL_CERT_FILE" }})
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderConnect, false)
		if !strings.Contains(e.Message, "SSL_CERT_FILE names "+file) || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %s", file, e.Message)
		}
	}
}

func TestFailuresOfTheNetworkNameTheAddressAndTheSetting(t *testing.T) {
	t.Parallel()
	closing := rawServer(t, func(net.Conn) {})
	resetting := rawServer(t, func(c net.Conn) {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // makes the close a reset
		}
	})
	ssh := rawServer(t, func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.9\r\n") })
	alert := rawServer(t, func(c net.Conn) { _, _ = c.Write([]byte{0x15, 3, 1, 0, 2, 2, 0x46}) })
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for name, tc := range map[string]struct {
		base      string
		retryable bool
		says      []string
	}{
		"nobody":        {modeltest.ClosedURL(t), true, []string{"nothing listens there", "start the server"}},
		"closed":        {closing, true, []string{"closed the connection"}},
		"reset":         {resetting, true, []string{"closed the connection"}},
		"not HTTP":      {ssh, false, []string{"does not speak HTTP", "port"}},
		"TLS only":      {alert, false, []string{"https://"}},
		"not TLS":       {strings.Replace(plain.URL, "http:", "https:", 1), false, []string{"does not speak TLS", "http://"}},
		"not TLS, raw":  {strings.Replace(ssh, "http:", "https:", 1), false, []string{"does not speak TLS"}},
		"no such host":  {"http://no-such-host.invalid:81/v1", true, []string{"no-such-host.invalid"}},
		"no such hosts": {"no-such-host.invalid/v1", true, []string{"no-such-host.invalid"}},
	} {
		from := transport.Sources{BaseURL: "base_url in /etc/x.toml, line 3"}
		r := newRegistry(t, providers.Config{BaseURL: tc.base, Key: modeltest.Key, DefaultModel: "m", Sources: from, Lookup: noEnvironment})
		e := modeltest.ErrorOf(t, modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err, chat.CodeProviderConnect, tc.retryable)
		says := append(tc.says, "base_url in /etc/x.toml, line 3")
		if !strings.Contains(name, "such host") {
			says = append(says, strings.TrimSuffix(tc.base[strings.Index(tc.base, "://")+3:], "/v1"))
		}
		for _, want := range says {
			if !strings.Contains(e.Message, want) {
				t.Errorf("%s: no %q in %q", name, want, e.Message)
			}
		}
		// A client's own setting is in its shell.
		req := modeltest.Ask("hello")
		req.Model, req.Credentials = "m", &model.Credentials{BaseURL: tc.base}
		if e := chat.AsError(modeltest.Collect(t.Context(), t, r, req).Err); !strings.Contains(e.Message, "OPENAI_BASE_URL in your shell") {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
}

// failing is a network that fails in one way.
type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

type timeoutError struct{}

func (timeoutError) Error() string { return "i/o timeout" }
func (timeoutError) Timeout() bool { return true }

func TestFailuresThatNoLoopbackHas(t *testing.T) {
	t.Parallel()
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for says, err := range map[string]error{
		"no route to it":                   dial(os.NewSyscallError("connect", syscall.EHOSTUNREACH)),
		"there is no route":                dial(os.NewSyscallError("connect", syscall.ENETUNREACH)),
		"does not answer (timed out)":      dial(timeoutError{}),
		"the name server does not answer":  dial(&net.DNSError{Err: "server misbehaving", Name: "p.example", IsTemporary: true}),
		"cannot find the host p.example":   dial(&net.DNSError{Err: "no such host", Name: "p.example", IsNotFound: true}),
		"no certificates of authorities":   &tls.CertificateVerificationError{Err: x509.SystemRootsError{}},
		"refuses the TLS connection":       &net.OpError{Op: "remote error", Err: tls.AlertError(40)},
		"cannot connect to p.example:8443": net.ErrClosed,
	} {
		r := newRegistry(t, providers.Config{BaseURL: "https://p.example:8443/v1", DefaultModel: "m", Transport: failing{err}})
		if e := chat.AsError(modeltest.Collect(t.Context(), t, r, modeltest.Ask("hello")).Err); e.Code != chat.CodeProviderConnect || !strings.Contains(e.Message, says) {
			t.Errorf("%v: %s: %s", err, e.Code, e.Message)
		}
	}
}
