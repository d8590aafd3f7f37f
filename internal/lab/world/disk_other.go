//go:build !linux

package world

import "errors"

// mountDisk mounts w.Mount.
func (w *World) mountDisk() error {
	return errors.New("this row needs Linux, to mount a small disk")
}
