package sql_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chat"
	"chat/internal/services"
	"chat/sql"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// newCertificate makes a certificate for a name, which parent signs; nil: an authority.
func newCertificate(t *testing.T, name string, parent *authority) (certPEM, keyPEM []byte, made *authority) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: parent == nil,
	}
	signer, signerKey := template, key
	if parent != nil {
		signer, signerKey = parent.cert, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signerKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	return certPEM, keyPEM, &authority{cert, key, certPEM}
}

func TestPostgresWithTLS(t *testing.T) {
	t.Parallel()
	_, _, ca := newCertificate(t, "the authority", nil)
	_, _, other := newCertificate(t, "another authority", nil)
	serverCert, serverKey, _ := newCertificate(t, "localhost", ca)
	clientCert, clientKey, _ := newCertificate(t, "certified_role", ca)
	server := services.StartPostgres(t)
	if err := server.EnableTLS(t.Context(), serverCert, serverKey, ca.pem); err != nil {
		t.Fatal(err)
	}
	services.Execute(t, server.URL(), "CREATE ROLE certified; CREATE ROLE certified_role LOGIN SUPERUSER IN ROLE certified")
	dir := t.TempDir()
	file := func(name string, data []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root, wrong := file("root.crt", ca.pem, 0o644), file("wrong.crt", other.pem, 0o644)
	client := "&sslcert=" + file("client.crt", clientCert, 0o644) + "&sslkey="
	key, open := file("client.key", clientKey, 0o600), file("open.key", clientKey, 0o644)
	_, port, _ := strings.Cut(server.Addr(), ":")
	at := func(role, host, parameters string) string {
		return "postgres://" + role + "@" + host + ":" + port + "/postgres?sslmode=verify-full&" + parameters
	}
	for name, tt := range map[string]struct{ url, says string }{
		"verified":                  {at("postgres", "localhost", "sslrootcert="+root), ""},
		"verified at an address":    {at("postgres", "localhost", "hostaddr=127.0.0.1&sslrootcert="+root), ""},
		"another name":              {at("postgres", "127.0.0.1", "sslrootcert="+root), "use a name of the certificate as the host"},
		"another authority":         {at("postgres", "localhost", "sslrootcert="+wrong), "sslrootcert=FILE"},
		"the system's authorities":  {at("postgres", "localhost", "sslrootcert=system"), "sslrootcert=FILE"},
		"no such file":              {at("postgres", "localhost", "sslrootcert=/nothing/here.crt"), "sslrootcert in DATABASE_URL cannot be read"},
		"with a certificate":        {at("certified_role", "localhost", "sslrootcert="+root+client+key), ""},
		"without its certificate":   {at("certified_role", "localhost", "sslrootcert="+root), "sslcert=FILE"},
		"a key that all can read":   {at("certified_role", "localhost", "sslrootcert="+root+client+open), "chmod 600"},
		"no such certificate":       {at("certified_role", "localhost", "sslrootcert="+root+"&sslcert=/nothing/here.crt"), "sslcert in DATABASE_URL cannot be read"},
		"a certificate of another":  {at("postgres", "localhost", "sslrootcert="+root+client+key), ""},
		"required and not verified": {"postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=require", ""},
		"preferred":                 {"postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=prefer", ""},
		"allowed":                   {"postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=allow", ""},
	} {
		s, err := sql.Open(t.Context(), tt.url, sql.Options{})
		switch {
		case tt.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tt.says == "":
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		case !chat.IsCode(err, chat.CodeNotConfigured) || !strings.Contains(err.Error(), tt.says):
			t.Errorf("%s: %v (%s), want %q", name, err, chat.CodeOf(err), tt.says)
		}
	}
}
