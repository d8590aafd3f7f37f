package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/apierror"
	"chat/daemon/model/network"
)

// ConnectError returns the error of a request without a response.
func (s *Server) ConnectError(err error) *chat.Error {
	if own, ok := errors.AsType[*chat.Error](err); ok {
		return own // of the dialer, which refuses an address, or of a proxy
	}
	out := s.proxyFailure(err)
	if out == nil {
		out = s.tlsFailure(err)
	}
	if out == nil {
		out = chat.Retryable(s.networkFailure(err))
	}
	out.Cause = apierror.Redact(err, s.Secrets()...)
	return out
}

// networkFailure returns the error of a network failure or an absent server.
func (s *Server) networkFailure(err error) *chat.Error {
	setting := s.BaseSetting()
	fail := func(format string, args ...any) *chat.Error {
		return chat.Errorf(chat.CodeProviderConnect, format, args...)
	}
	if s.Local {
		return fail("%s at %s does not answer any more: start it again", s.Name, s.Host)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return fail("cannot find the host %s: check the network and %s", model.OneLine(dns.Name, model.MaxID), setting)
		}
		return fail("cannot look up the host %s, because the name server does not answer: check the network", model.OneLine(dns.Name, model.MaxID))
	}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail("cannot connect to %s, because nothing listens there: start the server, or check %s", s.at(), setting)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fail("cannot connect to %s, because there is no route to it: check the network and %s", s.at(), setting)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fail("cannot connect to %s, because it does not answer (timed out): check the network and %s", s.at(), setting)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), "server closed idle connection"):
		return fail("%s closed the connection without an answer: send again, or check %s", s.at(), setting)
	}
	return fail("cannot connect to %s: check the network and %s", s.at(), setting)
}

// at is the host with its port, even if that is the default one.
func (s *Server) at() string {
	_, at, _ := strings.Cut(s.origin, "://")
	return at
}

// tlsFailure returns the error of a TLS failure, or of TLS on one side only; nil for others.
func (s *Server) tlsFailure(err error) *chat.Error {
	setting := s.BaseSetting()
	text := err.Error()
	fail := func(format string, args ...any) *chat.Error {
		return chat.Errorf(chat.CodeProviderConnect, format, args...)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || strings.Contains(text, "HTTP response to HTTPS client") {
		return fail("%s does not speak TLS: write http:// in %s", s.at(), setting)
	}
	if out := s.certificateFailure(err); out != nil {
		return out
	}
	switch {
	case strings.Contains(text, `malformed HTTP response "\x15\x03`):
		return fail("%s takes HTTPS only: write https:// in %s", s.at(), setting)
	case strings.Contains(text, "malformed HTTP"):
		return fail("%s does not speak HTTP: check the port in %s", s.at(), setting)
	case strings.Contains(text, "remote error: tls: certificate required"), strings.Contains(text, "remote error: tls: bad certificate"):
		return fail("%s wants a certificate from its clients, which chat does not send: use an address that takes a key alone, in %s", s.at(), setting)
	case strings.Contains(text, "protocol version not supported"), strings.Contains(text, "unsupported protocol version"), strings.Contains(text, "no supported versions"):
		return fail("%s speaks a version of TLS that is too old or too new: it must speak TLS 1.2 or 1.3; check %s", s.at(), setting)
	case strings.Contains(text, "remote error: tls: "), strings.Contains(text, "unrecognized name"):
		return fail("%s refuses the TLS connection (%s): check the host in %s", s.at(), model.OneLine(text[strings.LastIndex(text, "tls: "):], model.MaxID), setting)
	}
	return nil
}

// certificateFailure returns the error of a certificate that is not accepted; nil for others.
func (s *Server) certificateFailure(err error) *chat.Error {
	verification, _ := errors.AsType[*tls.CertificateVerificationError](err)
	var leaf *x509.Certificate
	if verification != nil && len(verification.UnverifiedCertificates) > 0 {
		leaf = verification.UnverifiedCertificates[0]
	}
	fail := func(format string, args ...any) *chat.Error {
		return chat.Errorf(chat.CodeProviderConnect, "the certificate of %s "+format, append([]any{s.at()}, args...)...)
	}
	if wrong, ok := errors.AsType[x509.HostnameError](err); ok {
		names := append(append([]string{}, wrong.Certificate.DNSNames...), addresses(wrong.Certificate)...)
		if len(names) == 0 {
			names = []string{wrong.Certificate.Subject.CommonName}
		}
		return fail("is not for this host, but for %s: check the host in %s", model.OneLine(strings.Join(names[:min(len(names), 4)], ", "), model.MaxID), s.BaseSetting())
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		switch {
		case invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
			return fail("is not valid before %s: check this machine's clock", invalid.Cert.NotBefore.Format(time.DateOnly))
		case invalid.Reason == x509.Expired && invalid.Cert != nil:
			return fail("has expired on %s: have it renewed, or check this machine's clock", invalid.Cert.NotAfter.Format(time.DateOnly))
		}
		return fail("is not valid (%s): check it, or %s", model.OneLine(invalid.Error(), model.MaxID), s.BaseSetting())
	}
	if _, ok := errors.AsType[x509.SystemRootsError](err); ok {
		return fail("cannot be checked, because this machine has no certificates of authorities: install the package ca-certificates, or set SSL_CERT_FILE and then chat daemon restart")
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if leaf == nil {
			leaf = unknown.Cert
		}
		return fail("is %s, which this machine does not trust: %s", issuerOf(leaf), s.trustAdvice())
	}
	if verification != nil {
		return fail("is not valid (%s): check it, or %s", model.OneLine(verification.Err.Error(), model.MaxID), s.BaseSetting())
	}
	return nil
}

func addresses(c *x509.Certificate) []string {
	var out []string
	for _, ip := range c.IPAddresses {
		out = append(out, ip.String())
	}
	return out
}

func issuerOf(c *x509.Certificate) string {
	if c == nil {
		return "issued by an unknown authority"
	}
	name := c.Issuer.CommonName
	if name == "" {
		name = c.Issuer.String()
	}
	if bytes.Equal(c.RawIssuer, c.RawSubject) {
		return fmt.Sprintf("self-signed (issuer %q)", model.OneLine(name, model.MaxID))
	}
	return fmt.Sprintf("issued by %q", model.OneLine(name, model.MaxID))
}

// trustAdvice says how to make this machine trust another authority.
func (s *Server) trustAdvice() string {
	if n, ok := s.RoundTripper.(*network.Transport); ok {
		if file := n.CertFile(); file != "" {
			if _, err := os.Stat(file); err != nil {
				return fmt.Sprintf("SSL_CERT_FILE names %s, which cannot be read; correct it, and then chat daemon restart", model.OneLine(file, model.MaxID))
			}
			return fmt.Sprintf("SSL_CERT_FILE names %s, which does not have that issuer; add its certificate, and then chat daemon restart", model.OneLine(file, model.MaxID))
		}
	}
	return "set ca_file in the settings, or SSL_CERT_FILE, to a file with the issuer's certificate, and then chat daemon restart"
}

// proxyFailure returns the error of a proxy that cannot be reached or refuses; nil for others.
func (s *Server) proxyFailure(err error) *chat.Error {
	op, isOp := errors.AsType[*net.OpError](err)
	if !(isOp && op.Op == "proxyconnect") && !strings.Contains(err.Error(), "socks connect") {
		return nil
	}
	proxy := s.Proxy()
	if proxy == "" {
		proxy = "the environment"
	}
	return chat.Retryable(chat.Errorf(chat.CodeProviderConnect, "cannot connect to the proxy in %s%s: check it, or name %s in NO_PROXY, and then chat daemon restart", proxy, reason(err), s.Host))
}

// reason returns the reason of a network failure, in parentheses.
func reason(err error) string {
	var timeout interface{ Timeout() bool }
	dns, isDNS := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return " (nothing listens there)"
	case isDNS && dns.IsNotFound:
		return " (its host cannot be found)"
	case errors.As(err, &timeout) && timeout.Timeout():
		return " (timed out)"
	}
	return ""
}

// Proxy names the proxy for calls to e, with its variable; "" if there is none.
func (s *Server) Proxy() string {
	if n, ok := s.RoundTripper.(*network.Transport); ok {
		return n.Proxy(s.Base)
	}
	return ""
}

// proxyRefusal returns the error of a response that came from a proxy.
func (s *Server) proxyRefusal(status int) *chat.Error {
	proxy := s.Proxy()
	if proxy == "" && status == http.StatusProxyAuthRequired {
		return chat.Errorf(chat.CodeProviderConnect, "%s asks for a login as a proxy does (407): check %s", s.Host, s.BaseSetting())
	}
	return network.ProxyRefused(proxy, status)
}
