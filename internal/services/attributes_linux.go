package services

import "syscall"

// attributes puts a server into its own process group and has the kernel end it
// should we die without doing so.
func attributes(user *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT, Credential: user}
}
