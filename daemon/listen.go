package daemon

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"chat"
	"chat/daemon/local"
)

// listen binds one address of --listen: unix:///path, 0600, or tcp://host:port.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	network, address, err := parseListen(addr)
	if err != nil {
		return nil, chat.Errorf(chat.CodeInvalid, "--listen: %w", err)
	}
	if network == "unix" {
		return listenUnix(ctx, address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, family(network, address), address)
	if err != nil {
		return nil, chat.Errorf(chat.CodeDaemon, "the address %s of --listen cannot be used (%w): choose another address, or end the process that has this one", addr, err)
	}
	return l, nil
}

// family is the network to listen on for an address: 0.0.0.0 is all of IPv4 and
// nothing of IPv6, for which net would take it too; [::] and no host are both.
func family(network, address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return network
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		return network + "4"
	}
	return network
}

// listenUnix replaces a socket on which no process listens, but never a live one.
func listenUnix(ctx context.Context, path string) (net.Listener, error) {
	if c, err := (&net.Dialer{}).DialContext(ctx, "unix", path); err == nil {
		_ = c.Close()
		return nil, chat.Errorf(chat.CodeDaemon, "another process serves the address unix://%s of --listen: choose another path, or end that process", path)
	}
	switch fi, err := os.Lstat(path); {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return nil, chat.Errorf(chat.CodeDaemon, "--listen unix://%s: %w", path, err)
	case fi.Mode()&os.ModeSocket == 0:
		return nil, chat.Errorf(chat.CodeDaemon, "the address unix://%s of --listen exists and is not a socket: choose another path", path)
	default:
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, chat.Errorf(chat.CodeDaemon, "cannot replace the stale socket: %w", err)
		}
	}
	// The socket is bound in a private directory, restricted to this user, and then moved
	// to its path, so that it is never open to others.
	dir, err := os.MkdirTemp(filepath.Dir(path), ".s")
	if err != nil {
		return nil, chat.Errorf(chat.CodeDaemon, "the address unix://%s of --listen cannot be used (%w): choose a path in a directory of your own", path, err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // empty by then, or the error below counts
	tmp := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, chat.Errorf(chat.CodeDaemon, "cannot listen on %s: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // by then the path may be another process's socket
	if err := errors.Join(os.Chmod(tmp, 0o600), os.Rename(tmp, path)); err != nil {
		return nil, errors.Join(chat.Errorf(chat.CodeDaemon, "cannot make the socket private: %w", err), l.Close())
	}
	return local.OwnPeers(l), nil
}
