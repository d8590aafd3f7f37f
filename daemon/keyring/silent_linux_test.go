package keyring

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"chat"
)

// A bus that accepts the connection and never answers.
func TestASilentBusIsGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bus")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+path)
	taken := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			taken <- conn
		}
	}()
	ended := make(chan error, 1)
	ask := func() (string, error) { // as the library does
		_, err := dbus.SessionBus()
		ended <- err
		return "", err
	}
	began := time.Now()
	if _, err := bounded(t.Context(), 50*time.Millisecond, ask); !chat.IsCode(err, chat.CodeNotConfigured) || time.Since(began) > 5*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(io.ErrUnexpectedEOF)
	if _, err := bounded(ctx, time.Hour, func() (string, error) { <-ctx.Done(); return "", ctx.Err() }); err == nil {
		t.Error("it does not end with its context")
	}
	if err := errors.Join((<-taken).Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("there is a bus after all")
	}
}
