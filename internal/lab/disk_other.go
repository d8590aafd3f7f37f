//go:build !linux

package lab

import "errors"

// mountDisk mounts w.mount.
func (w *World) mountDisk() error {
	return errors.New("this row needs Linux, to mount a small disk")
}
