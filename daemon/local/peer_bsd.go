//go:build darwin || freebsd

package local

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// duplicate makes as another descriptor of the file f.
func duplicate(f, as *os.File) error { return unix.Dup2(int(f.Fd()), int(as.Fd())) }

// peerUID is the user on the other side, as the kernel saw it at connect.
func peerUID(c *net.UnixConn) (int, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return -1, err
	}
	var cred *unix.Xucred
	var sockErr error
	err = raw.Control(func(fd uintptr) {
		cred, sockErr = unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	})
	if err := errors.Join(err, sockErr); err != nil {
		return -1, err
	}
	return int(cred.Uid), nil
}
