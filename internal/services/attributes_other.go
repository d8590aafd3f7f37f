//go:build unix && !linux

package services

import "syscall"

// attributes puts a server into its own process group.
func attributes(user *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: user}
}
