package services

import "syscall"

// attributes puts a server into its own process group. The kernel ends it if this
// process dies first.
func attributes(user *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGQUIT, Credential: user}
}
