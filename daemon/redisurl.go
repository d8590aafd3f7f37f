package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"chat"
	"chat/daemon/embedded"
	"chat/daemon/redisconn"
)

// redisAddress reads REDIS_URL, and the file with the CAs that are trusted for it.
func redisAddress(cfg Config, log *slog.Logger) (redisconn.Address, error) {
	address, err := redisconn.Parse(cfg.RedisURL)
	if err != nil {
		return address, err
	}
	secure := address.TLS()
	if cfg.RedisCAFile != "" {
		if secure == nil {
			return address, chat.Errorf(chat.CodeInvalid, "CHATD_REDIS_CA_FILE is set, but REDIS_URL does not use TLS: write rediss://…")
		}
		if secure.RootCAs, err = readCAs("CHATD_REDIS_CA_FILE", cfg.RedisCAFile); err != nil {
			return address, err
		}
	}
	if skipsVerification(secure) {
		if cfg.RedisCAFile != "" {
			return address, chat.Errorf(chat.CodeInvalid, "REDIS_URL has skip_verify, and CHATD_REDIS_CA_FILE says whom to trust: leave out one of them")
		}
		log.Warn("the certificate of Redis is not verified (skip_verify in REDIS_URL): anyone on the way can read and change what is sent; set CHATD_REDIS_CA_FILE instead")
	}
	return address, nil
}

func skipsVerification(c *tls.Config) bool { return c != nil && c.InsecureSkipVerify }

// readCAs reads certificates of authorities. Only these are trusted, for the one
// connection that the setting is for.
func readCAs(setting, path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, chat.Errorf(chat.CodeNotConfigured, "%s: the file cannot be read: %w", setting, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, chat.Errorf(chat.CodeInvalid, "%s: %s has no certificate in PEM (-----BEGIN CERTIFICATE-----)", setting, path)
	}
	return pool, nil
}

// redisAddress is that of the embedded engine, which is started, or of REDIS_URL.
func (d *daemon) redisAddress() (redisconn.Address, error) {
	if d.cfg.RedisURL != "" {
		return redisAddress(d.cfg, d.log)
	}
	engine, err := embedded.Start(embedded.Options{})
	if err != nil {
		return redisconn.Address{}, fmt.Errorf("start the embedded engine: %w", err)
	}
	d.closers = append(d.closers, engine.Close)
	return redisconn.ServerAt(engine.Options()), nil
}
