package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chat/internal/services"
)

// What is wrong with the settings is said in one line, with the setting and where it
// was read, and an exit code that says which kind of mistake it is.
func TestSettingsThatAreWrong(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	dir := own(t)
	database := "sqlite://" + filepath.Join(dir, "chat.db")
	write(t, filepath.Join(dir, "writable"), token, 0o666)
	write(t, filepath.Join(dir, "short"), "short", 0o600)
	write(t, filepath.Join(dir, "empty"), "", 0o600)
	tcp := []string{"--listen", "tcp://127.0.0.1:0", "--database-url", database}
	for name, tc := range map[string]struct {
		env  []string
		args []string
		code int
		says string
	}{
		"an unknown flag":            {nil, []string{"--lisen", "x"}, exitUsage, "--help"},
		"an argument":                {nil, []string{"serve"}, exitUsage, `"serve"`},
		"a number":                   {[]string{"CHATD_CONCURRENCY", "many"}, nil, exitUsage, "CHATD_CONCURRENCY: "},
		"a number of a flag":         {nil, []string{"--concurrency", "-3"}, exitUsage, "concurrency"},
		"a duration":                 {[]string{"CHUNK_TTL", "soon"}, nil, exitUsage, "CHUNK_TTL: "},
		"an address":                 {nil, []string{"--listen", "0.0.0.0:8080"}, exitUsage, "tcp://0.0.0.0:8080"},
		"a database":                 {[]string{"DATABASE_URL", "mysql://u:secret@h/db"}, nil, exitUsage, "DATABASE_URL: "},
		"another program's database": {[]string{"DATABASE_URL", "postgres://u:secret@h/db?schema=public"}, nil, exitUsage, "schema"},
		"a Redis":                    {[]string{"REDIS_URL", "h:6379"}, nil, exitUsage, "REDIS_URL: "},
		"a provider with a password": {[]string{"OPENAI_BASE_URL", "https://u:secret@h/v1"}, nil, exitUsage, "OPENAI_BASE_URL: "},
		"a provider's address":       {[]string{"OPENAI_BASE_URL", "http://[fd00:ec2::254]/v1"}, nil, exitUsage, "OPENAI_BASE_URL: "},
		"a role without a place":     {nil, []string{"--role", "worker"}, exitUnconfigued, "REDIS_URL"},
		"a port that is in use":      {[]string{"CHATD_TOKEN", token}, []string{"--database-url", database, "--listen", "tcp://" + taken.Addr().String()}, exitDaemon, "choose another address"},
		"a token that is short":      {[]string{"CHATD_TOKEN", "short"}, tcp, exitUnconfigued, "CHATD_TOKEN"},
		"a file of a short token":    {[]string{"CHATD_TOKEN_FILE", filepath.Join(dir, "short")}, tcp, exitUnconfigued, filepath.Join(dir, "short")},
		"an empty file of a token":   {[]string{"CHATD_TOKEN_FILE", filepath.Join(dir, "empty")}, tcp, exitUnconfigued, filepath.Join(dir, "empty")},
		"a token that all can write": {[]string{"CHATD_TOKEN_FILE", filepath.Join(dir, "writable")}, tcp, exitUnconfigued, "chmod 600 " + filepath.Join(dir, "writable")},
		"a directory as the token":   {[]string{"CHATD_TOKEN_FILE", dir}, tcp, exitUnconfigued, "token file"},
		"CAs without TLS":            {[]string{"CHATD_TOKEN", token, "REDIS_URL", "redis://127.0.0.1:1", "CHATD_REDIS_CA_FILE", "/etc/hosts"}, tcp, exitUsage, "rediss://"},
		"CAs that are none":          {[]string{"CHATD_TOKEN", token, "REDIS_URL", "rediss://127.0.0.1:1", "CHATD_REDIS_CA_FILE", "/etc/hosts"}, tcp, exitUsage, "CHATD_REDIS_CA_FILE"},
		"CAs that are not there":     {[]string{"CHATD_TOKEN", token, "REDIS_URL", "rediss://127.0.0.1:1", "CHATD_REDIS_CA_FILE", "/nonexistent"}, tcp, exitUnconfigued, "CHATD_REDIS_CA_FILE"},
		"CAs, and no verification":   {[]string{"CHATD_TOKEN", token, "REDIS_URL", "rediss://127.0.0.1:1?skip_verify=true", "CHATD_REDIS_CA_FILE", filepath.Join(dir, "ca")}, tcp, exitUnconfigued, "CHATD_REDIS_CA_FILE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := chatd(t, dir, with(map[string]string{"HOME": dir, "CHAT_DISCOVER": "off"}, tc.env...), tc.args...)
			said := p.exits(tc.code)
			last := said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]
			if !strings.HasPrefix(last, "chatd: ") || !strings.Contains(last, tc.says) || strings.Contains(said, "secret") {
				t.Errorf("it says %q, want %q", said, tc.says)
			}
		})
	}
}

func TestATokenFileThatOthersCanReadIsWarnedOf(t *testing.T) {
	t.Parallel()
	for mode, warned := range map[uint32]bool{0o600: false, 0o400: false, 0o644: true, 0o640: true, 0o444: true, 0o604: true} {
		dir, address := own(t), free(t)
		file := filepath.Join(dir, "secret")
		write(t, file, token, 0)
		if err := syscall.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		p := chatd(t, dir, map[string]string{"CHAT_DISCOVER": "off"}, "--database-url", "sqlite://"+filepath.Join(dir, "chat.db"), "--token-file", file, "--listen", "tcp://"+address)
		p.serves(address)
		if got := strings.Contains(p.log.String(), "can be read by others: chmod 600 it\" file="+file); got != warned || p.get(address, "/tasks", token) != 200 {
			t.Errorf("mode %04o: warned %v, want %v\n%s", mode, got, warned, p.log)
		}
	}
}

// An address says which family it is of, and one that others can reach is warned of.
func TestAnAddressIsOfItsFamily(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]struct{ v4, v6, warned bool }{
		"127.0.0.1": {true, false, false}, "[::1]": {false, true, false}, "0.0.0.0": {true, false, true}, "[::]": {true, true, true}, "": {true, true, true}, "localhost": {true, false, false},
	} {
		dir := own(t)
		_, port, err := net.SplitHostPort(free(t))
		if err != nil {
			t.Fatal(err)
		}
		p := chatd(t, dir, map[string]string{"CHAT_DISCOVER": "off", "CHATD_TOKEN": token}, "--database-url", "sqlite://"+filepath.Join(dir, "chat.db"), "--listen", "tcp://"+host+":"+port)
		p.says("msg=ready")
		if got := p.get("127.0.0.1:"+port, "/healthz", "") == 200; got != want.v4 {
			t.Errorf("tcp://%s over IPv4: %v", host, got)
		}
		if got := p.get("[::1]:"+port, "/healthz", "") == 200; host != "localhost" && got != want.v6 {
			t.Errorf("tcp://%s over IPv6: %v", host, got)
		}
		if got := strings.Contains(p.log.String(), "plain HTTP"); got != want.warned {
			t.Errorf("tcp://%s: warned %v\n%s", host, got, p.log)
		}
	}
}

func TestASecondSIGTERMEndsAtOnce(t *testing.T) {
	t.Parallel()
	dir := own(t)
	p := chatd(t, dir, map[string]string{"HOME": dir, "CHAT_DISCOVER": "off", "CHATD_DRAIN": "1h"})
	p.says("msg=ready")
	p.signal(syscall.SIGTERM)
	p.says("a second signal")
	p.signal(syscall.SIGTERM)
	p.exits(0)
}

// A Redis behind TLS is trusted for a CA of its own, which is nobody else's.
func TestACAForRedis(t *testing.T) {
	t.Parallel()
	dir := own(t)
	ca, cert, key := authority(t, dir)
	tls, err := services.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(tls)
	services.StartRedis(t, "--tls-port", port, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "no")
	url := "rediss://" + tls
	for name, tc := range map[string]struct {
		url  string
		env  []string
		up   bool
		says string
	}{
		"trusted":      {url, []string{"CHATD_REDIS_CA_FILE", ca}, true, ""},
		"unknown":      {url, nil, false, "certificate"},
		"not verified": {url + "?skip_verify=true", nil, true, "not verified"},
	} {
		address := free(t)
		env := with(map[string]string{"CHAT_DISCOVER": "off", "CHATD_TOKEN": token, "DATABASE_URL": "sqlite://" + filepath.Join(own(t), "chat.db"), "REDIS_URL": tc.url}, tc.env...)
		p := chatd(t, dir, env, "--listen", "tcp://"+address)
		p.serves(address)
		p.eventually("Redis is as it should be: "+name, func() bool { return strings.Contains(p.body(address, "/readyz"), `"redis":"ok"`) == tc.up })
		if tc.says != "" {
			p.says(tc.says)
		}
	}
}

// authority makes a CA, and a certificate of it for 127.0.0.1.
func authority(t *testing.T, dir string) (ca, cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), 0o644)
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: raw})), 0o644)
	return cert, cert, key
}
