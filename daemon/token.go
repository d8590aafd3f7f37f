package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"chat"
)

const (
	// minToken is the minimum length of a token.
	minToken     = 20
	maxTokenFile = 64 << 10
)

// bearerToken is the token that requests over TCP must have. It can be replaced while
// requests are served.
type bearerToken struct {
	hash atomic.Pointer[[sha256.Size]byte]
}

// open loads the token. It creates a missing token file with 256 random bits. from is the
// source of the token, for messages.
func (b *bearerToken) open(c Config, log *slog.Logger) (from string, err error) {
	if path := c.tokenFile(); c.Token == "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			if err := makeToken(path); err != nil {
				return "", err
			}
		}
	}
	return b.load(c, log)
}

// load reads the token from the environment or else from the token file. from is its
// source.
func (b *bearerToken) load(c Config, log *slog.Logger) (from string, err error) {
	from, token := tokenEnv, c.Token
	if token == "" {
		from = c.tokenFile()
		if token, err = readToken(from, log); err != nil {
			return "", err
		}
	}
	if len(token) < minToken {
		return "", chat.Errorf(chat.CodeNotConfigured, "the bearer token in %s is shorter than %d characters: choose a longer one, or let chatd make one in a file that is not there yet", from, minToken)
	}
	sum := sha256.Sum256([]byte(token))
	b.hash.Store(&sum)
	return from, nil
}

// authenticate compares hashes in constant time, so that the duration reveals neither the
// length nor a common prefix.
func (b *bearerToken) authenticate(got string) (owner string, ok bool) {
	sum, want := sha256.Sum256([]byte(got)), b.hash.Load()
	return chat.LocalOwner, want != nil && subtle.ConstantTimeCompare(sum[:], want[:]) == 1
}

// sessionKey returns the key that signs the sessions of browsers, nil without a token. It
// is the same in every instance with the token.
func (b *bearerToken) sessionKey() []byte {
	hash := b.hash.Load()
	if hash == nil {
		return nil
	}
	key := sha256.Sum256(append([]byte("chat session key\x00"), hash[:]...))
	return key[:]
}

func (c Config) tokenFile() string { return cmp.Or(c.TokenFile, filepath.Join(c.DataDir, "token")) }

// NeedsDataDir reports whether something must be kept in the data directory: the
// database, or the token. A local daemon needs it, too.
func (c Config) NeedsDataDir() bool {
	tcp := slices.ContainsFunc(c.Listen, func(addr string) bool { return strings.HasPrefix(addr, "tcp:") })
	return c.DatabaseURL == "" || c.Role != RoleWorker && tcp && c.Token == "" && c.TokenFile == ""
}

// readToken reads a token file.
func readToken(path string, log *slog.Logger) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	fi, err := f.Stat()
	if err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be read: %w", err)
	}
	switch mode := fi.Mode().Perm(); {
	case mode&0o022 != 0:
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file %s can be written by others (mode %04o): chmod 600 %s, and check what is in it", path, mode, path)
	case mode&0o044 != 0: // not refused: a secret that is mounted into a container is often 0444
		log.Warn("the token file can be read by others: chmod 600 it", "file", path, "mode", fmt.Sprintf("%04o", mode))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxTokenFile))
	if err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be read: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

func makeToken(path string) error {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, by its contract
	token := "chat_" + base64.RawURLEncoding.EncodeToString(random)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "the token file cannot be made (%w): set CHATD_TOKEN, or CHATD_TOKEN_FILE to a file that can be", err)
	}
	_, err = f.WriteString(token + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return chat.Errorf(chat.CodeNotConfigured, "the token file cannot be written: %w", err)
	}
	return nil
}

// watchReloads takes over the token of settings that were read again. Streams that are
// open stay so.
func (d *daemon) watchReloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case cfg := <-d.cfg.Reloads:
			if d.token.hash.Load() == nil {
				continue // nothing is served over TCP
			}
			from, err := d.token.load(cfg, d.log)
			if err != nil {
				d.log.Error("the bearer token stays as it was", "err", err)
				continue
			}
			d.log.Info("the bearer token was read again", "token", "in "+from)
		}
	}
}
