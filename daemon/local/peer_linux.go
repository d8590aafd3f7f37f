package local

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// duplicate makes as another descriptor of the file f.
func duplicate(f, as *os.File) error { return unix.Dup3(int(f.Fd()), int(as.Fd()), 0) }

// peerUID is the user on the other side, as the kernel saw it at connect.
func peerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *syscall.Ucred
	var sockErr error
	err = raw.Control(func(fd uintptr) {
		cred, sockErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, sockErr); err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
