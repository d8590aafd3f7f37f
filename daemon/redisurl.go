package daemon

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/daemon/embedded"
)

// redisOptions reads REDIS_URL, and the file with the CAs that are trusted for it.
func redisOptions(cfg Config, log *slog.Logger) (*redis.Options, error) {
	opts, err := parseRedisURL(cfg.RedisURL)
	if err != nil {
		return nil, err
	}
	if cfg.RedisCAFile != "" {
		if opts.TLSConfig == nil {
			return nil, chat.Errorf(chat.CodeInvalid, "CHATD_REDIS_CA_FILE is set, but REDIS_URL does not use TLS: write rediss://…")
		}
		if opts.TLSConfig.RootCAs, err = readCAs("CHATD_REDIS_CA_FILE", cfg.RedisCAFile); err != nil {
			return nil, err
		}
	}
	if skipsVerification(opts.TLSConfig) {
		if cfg.RedisCAFile != "" {
			return nil, chat.Errorf(chat.CodeInvalid, "REDIS_URL has skip_verify, and CHATD_REDIS_CA_FILE says whom to trust: leave out one of them")
		}
		log.Warn("the certificate of Redis is not verified (skip_verify in REDIS_URL): anyone on the way can read and change what is sent; set CHATD_REDIS_CA_FILE instead")
	}
	return opts, nil
}

func parseRedisURL(url string) (*redis.Options, error) {
	opts, err := redis.ParseURL(url)
	if err != nil { // the reason quotes the password
		return nil, chat.Errorf(chat.CodeInvalid, "the Redis URL is not one that Redis takes: write redis://[user:password@]host:port[/db], or rediss:// for TLS")
	}
	return opts, nil
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

// redisOptions are those of the embedded engine, which is started, or of REDIS_URL.
func (d *daemon) redisOptions() (*redis.Options, error) {
	if d.cfg.RedisURL == "" {
		engine, err := embedded.Start(embedded.Options{})
		if err != nil {
			return nil, fmt.Errorf("start the embedded engine: %w", err)
		}
		d.closers = append(d.closers, engine.Close)
		return engine.Options(), nil
	}
	opts, err := redisOptions(d.cfg, d.log)
	if err != nil {
		return nil, err
	}
	opts.DialTimeout = 2 * time.Second
	name := cmp.Or(opts.ClientName, "chatd")
	opts.ClientName = "" // which would be a must
	opts.OnConnect = func(ctx context.Context, c *redis.Conn) error {
		_ = c.ClientSetName(ctx, name).Err() // a user without that right goes without a name
		return nil
	}
	return opts, nil
}
