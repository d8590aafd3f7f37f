package local

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

func TestStrangersAreNotServed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	dir, err := os.MkdirTemp("/tmp", "peer")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left in /tmp fails no test
	path := filepath.Join(dir, "s")
	l, err := bind(t.Context(), dir, path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// Everything that keeps strangers away but the check itself.
	for p, mode := range map[string]os.FileMode{dir: 0o755, path: 0o666} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
	}
	accepted := make(chan net.Conn, 2)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	stranger := make(chan error, 1)
	go func() {
		// This thread becomes another user, and ends with the goroutine.
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			stranger <- errno
			return
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			stranger <- err
			return
		}
		defer c.Close()
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err = c.Read(make([]byte, 1))
		stranger <- err
	}()
	if err := <-stranger; err == nil || os.IsTimeout(err) {
		t.Errorf("a stranger was not turned away: %v", err)
	}
	own, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	c := <-accepted
	uc, ok := c.(*net.UnixConn)
	if !ok {
		t.Fatalf("a %T was accepted", c)
	}
	if uid, err := peerUID(uc); err != nil || uid != 0 {
		t.Errorf("uid %d, %v", uid, err)
	}
	_ = c.Close()
	_ = l.Close()
	if _, open := <-accepted; open {
		t.Error("the stranger was accepted")
	}
}
