package world

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A process that is built with clocks (see Build) reads its wall clock
// with an offset: the seconds in the eight bytes of the file that CHAT_LAB_CLOCK
// names, whose memory it shares with the lab. Monotonic time is left alone, as a
// clock that is set leaves it. PostgreSQL gets its own from libfaketime. Redis keeps
// the true time, since its allocator asks for it before libfaketime is ready; what a
// jump of its clock does, that keys expire immediately, is tested by redis/flushall.

const clockEnv = "CHAT_LAB_CLOCK"

// clock is the offset of one process.
type clock struct{ file string }

func newClock(dir, name string) (clock, error) {
	c := clock{filepath.Join(dir, name+".clock")}
	return c, c.set(0)
}

// set takes effect immediately: the file keeps its place, and a process has it mapped.
func (c clock) set(d time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // nothing in it is secret
	if err != nil {
		return err
	}
	_, err = f.Write(binary.NativeEndian.AppendUint64(nil, uint64(d/time.Second)))
	return errors.Join(err, f.Close())
}

// faketime is the clock of PostgreSQL, which reads the file again and again.
type faketime struct{ file, library string }

func newFaketime(dir string) (faketime, error) {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		return faketime{}, errors.Join(errors.New("libfaketime is not installed (Debian's package faketime)"), err)
	}
	f := faketime{filepath.Join(dir, "postgres.clock"), found[0]}
	return f, f.set(0)
}

func (f faketime) set(d time.Duration) error {
	fresh := f.file + ".new"                                                                               // a reader sees the old one or the new one
	if err := os.WriteFile(fresh, []byte(fmt.Sprintf("%+d\n", int64(d/time.Second))), 0o644); err != nil { //nolint:gosec // PostgreSQL reads it as another user
		return err
	}
	return os.Rename(fresh, f.file)
}

func (f faketime) env() []string {
	return []string{"LD_PRELOAD=" + f.library, "FAKETIME_TIMESTAMP_FILE=" + f.file, "FAKETIME_NO_CACHE=1", "DONT_FAKE_MONOTONIC=1"}
}

// SetClock sets the wall clock of one process, d from the true time.
func (n *Node) SetClock(d time.Duration) error { return n.clock.set(d) }

// SetClocks sets the wall clocks of all processes, PostgreSQL too.
func (w *World) SetClocks(d time.Duration) error {
	errs := []error{w.SetDatabaseClock(d)}
	for _, n := range w.Nodes() {
		errs = append(errs, n.SetClock(d))
	}
	return errors.Join(errs...)
}

// SetDatabaseClock sets the wall clock of PostgreSQL.
func (w *World) SetDatabaseClock(d time.Duration) error {
	if w.Profile == Embedded {
		return nil
	}
	return w.faketime.set(d)
}

// The overlay's own file in package time.
const clockSource = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

// clockOffset is shared with the lab; nil: the wall clock is the system's.
var clockOffset *int64

func init() {
	path, ok := syscall.Getenv("` + clockEnv + `")
	if !ok {
		return
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic("` + clockEnv + `: " + err.Error())
	}
	mem, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic("` + clockEnv + `: " + err.Error())
	}
	clockOffset = (*int64)(unsafe.Pointer(&mem[0]))
}

// ClockOffset is the offset of the wall clock in seconds.
func ClockOffset() int64 {
	if clockOffset == nil {
		return 0
	}
	return atomic.LoadInt64(clockOffset)
}
`

// And in the C library that SQLite is translated with, which asks the system.
const libcSource = `package libc

import (
	"time"
	"unsafe"
)

func Xclock_gettime(tls *TLS, clk Tclockid_t, ts uintptr) (r int32) {
	r = clockGettime(tls, clk, ts)
	if clk == CLOCK_REALTIME && r == 0 {
		(*Ttimespec)(unsafe.Pointer(ts)).Ftv_sec += Ttime_t(time.ClockOffset())
	}
	return r
}
`

// patched returns a file of another module with old replaced by new.
func patched(file, old, new string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(text), old) {
		return nil, fmt.Errorf("%s has no %q: the lab's clocks do not know this version", file, old)
	}
	return []byte(strings.ReplaceAll(string(text), old, new)), nil
}

// writeOverlay writes what go build -overlay takes into dir, and returns its path.
func writeOverlay(dir, goroot string) (string, error) {
	theirs := filepath.Join(goroot, "src/time/time.go")
	text, err := patched(theirs, "sec, nsec, mono := runtimeNow()\n", "sec, nsec, mono := runtimeNow()\n\tsec += ClockOffset()\n")
	if err != nil {
		return "", err
	}
	now, offset := filepath.Join(dir, "time_now.go"), filepath.Join(dir, "time_offset.go")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{
		theirs: now, filepath.Join(goroot, "src/time/lab_clock.go"): offset,
	}})
	path := filepath.Join(dir, "overlay.json")
	return path, errors.Join(err, os.WriteFile(now, text, 0o600), os.WriteFile(offset, []byte(clockSource), 0o600), os.WriteFile(path, replace, 0o600))
}

// writeModule writes a go.mod into dir that is module's, but with a copy of libc
// whose clock is ours: what is in the module cache cannot be replaced.
func writeModule(dir, module, libc, goarch string) (string, error) {
	mine := filepath.Join(dir, "libc")
	if err := os.CopyFS(mine, os.DirFS(libc)); err != nil {
		return "", err
	}
	file := "ccgo_linux_" + goarch + ".go"
	text, err := patched(filepath.Join(libc, file), "func Xclock_gettime(", "func clockGettime(")
	if err != nil {
		return "", err
	}
	if err := os.Remove(filepath.Join(mine, file)); err != nil { // it may be read-only, as its original is
		return "", err
	}
	mod, err := os.ReadFile(filepath.Join(module, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(module, "go.sum"))
	if err != nil {
		return "", err
	}
	mod = fmt.Appendf(mod, "\nreplace modernc.org/libc => %s\n", mine)
	path := filepath.Join(dir, "lab.mod")
	return path, errors.Join(
		os.WriteFile(filepath.Join(mine, file), text, 0o600), os.WriteFile(filepath.Join(mine, "lab_clock.go"), []byte(libcSource), 0o600),
		os.WriteFile(path, mod, 0o600), os.WriteFile(filepath.Join(dir, "lab.sum"), sum, 0o600), //nolint:gosec // below the directory of this run
	)
}
