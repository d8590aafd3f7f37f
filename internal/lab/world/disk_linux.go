package world

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mountDisk mounts w.Mount.
func (w *World) mountDisk() error {
	if err := os.MkdirAll(w.Mount, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", w.Mount, "tmpfs", 0, "size=6m,mode=0700"); err != nil {
		return fmt.Errorf("this row needs root, to mount a small disk: %w", err)
	}
	w.closers = append(w.closers, func() error { return unix.Unmount(w.Mount, 0) })
	return nil
}
