// Package keyring keeps providers' keys in the system's keyring: the Secret
// Service on the session's D-Bus (GNOME Keyring, KWallet, KeePassXC), the
// Keychain of macOS, the Credential Manager of Windows.
//
// A setting refers to a key by "keyring:" and the host of the provider's API.
// Nothing here waits for ever: a keyring may ask its user for a password, and a
// bus may not answer. A question that was given up cannot be called back; what
// asks it ends with the bus or with the process.
package keyring

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/zalando/go-keyring"

	"chat"
)

const (
	service = "chat"
	prefix  = "keyring:"
)

// Patience is how long a person may take to unlock a keyring; Briefly is for
// when there may be none.
const (
	Patience = 30 * time.Second
	Briefly  = 3 * time.Second
)

// Reference is the value of a setting whose key is in the keyring.
func Reference(host string) string { return prefix + host }

// Host is what a reference refers to; false for a value that is not a reference.
func Host(value string) (string, bool) { return strings.CutPrefix(value, prefix) }

// Get returns the key for a host. It is an error with CodeNotFound that there is
// none, and one with CodeNotConfigured that there is no keyring that works.
func Get(ctx context.Context, host string, timeout time.Duration) (string, error) {
	return bounded(ctx, timeout, func() (string, error) { return keyring.Get(service, host) })
}

// Set keeps a key for a host.
func Set(ctx context.Context, host, key string, timeout time.Duration) error {
	_, err := bounded(ctx, timeout, func() (string, error) { return "", keyring.Set(service, host, key) })
	return err
}

// Delete forgets the key for a host.
func Delete(ctx context.Context, host string, timeout time.Duration) error {
	_, err := bounded(ctx, timeout, func() (string, error) { return "", keyring.Delete(service, host) })
	return err
}

// bounded asks the keyring, and gives up after a while.
func bounded(ctx context.Context, timeout time.Duration, ask func() (string, error)) (string, error) {
	if !reachable() {
		return "", chat.Errorf(chat.CodeNotConfigured, "there is no keyring here: no session's D-Bus")
	}
	type answer struct {
		key string
		err error
	}
	asked := make(chan answer, 1)
	go func() {
		key, err := ask()
		asked <- answer{key, err}
	}()
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case a := <-asked:
		switch {
		case a.err == nil:
			return a.key, nil
		case errors.Is(a.err, keyring.ErrNotFound):
			return "", chat.Errorf(chat.CodeNotFound, "the keyring has no key for this provider")
		}
		return "", chat.Errorf(chat.CodeNotConfigured, "the keyring does not work: %w", a.err)
	case <-limit.C:
		return "", chat.Errorf(chat.CodeNotConfigured, "the keyring did not answer within %s: it may be locked", timeout)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// reachable reports whether there may be a keyring. Without a bus the library
// would start one, which no one asked for and which would never end.
func reachable() bool {
	switch runtime.GOOS {
	case "darwin", "windows":
		return true
	}
	if address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address != "" {
		return address != "autolaunch:"
	}
	_, err := os.Stat(filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus")) // where the library looks
	return err == nil
}
