package daemon

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"chat"
)

// minToken is the least length of a token that somebody chose.
const minToken = 20

// loadToken returns the bearer token for TCP: that of the environment, else that
// of the token file, which is made with 256 random bits if it is missing.
func loadToken(c Config) (token, from string, err error) {
	if c.Token != "" {
		from, token = tokenEnv, c.Token
	} else {
		from = c.TokenFile
		if from == "" {
			from = filepath.Join(c.DataDir, "token")
		}
		if token, err = readToken(from); err != nil {
			return "", "", err
		}
	}
	if len(token) < minToken {
		return "", "", chat.Errorf(chat.CodeNotConfigured, "the bearer token in %s is shorter than %d characters", from, minToken)
	}
	return token, from, nil
}

func readToken(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(data)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be read: %w", err)
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails, by its contract
	token := "chat_" + base64.RawURLEncoding.EncodeToString(random)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be made: %w", err)
	}
	_, err = f.WriteString(token + "\n")
	if err := errors.Join(err, f.Close()); err != nil {
		return "", chat.Errorf(chat.CodeNotConfigured, "the token file cannot be written: %w", err)
	}
	return token, nil
}

// authenticator compares in constant time, by hash, so that neither the length
// nor a common prefix shows.
func authenticator(token string) func(string) (string, bool) {
	want := sha256.Sum256([]byte(token))
	return func(got string) (string, bool) {
		sum := sha256.Sum256([]byte(got))
		return chat.LocalOwner, subtle.ConstantTimeCompare(sum[:], want[:]) == 1
	}
}
