package lab

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A process that is built with the overlay of writeOverlay reads its wall clock
// with an offset: the seconds in the eight bytes of the file that CHAT_LAB_CLOCK
// names, whose memory it shares with the lab. Monotonic time is left alone, as a
// clock that is set leaves it. Redis and PostgreSQL get theirs from libfaketime.

const clockEnv = "CHAT_LAB_CLOCK"

// clock is the offset of one process.
type clock struct{ file string }

func newClock(dir, name string) (clock, error) {
	c := clock{filepath.Join(dir, name+".clock")}
	return c, c.set(0)
}

// set takes effect at once: the file keeps its place, and a process has it mapped.
func (c clock) set(d time.Duration) error {
	f, err := os.OpenFile(c.file, os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // nothing in it is secret
	if err != nil {
		return err
	}
	_, err = f.Write(binary.NativeEndian.AppendUint64(nil, uint64(d/time.Second)))
	return errors.Join(err, f.Close())
}

// faketime is the clock of Redis and PostgreSQL, which read the file again and
// again.
type faketime struct{ file, library string }

func newFaketime(dir string) (faketime, error) {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if err != nil || len(found) == 0 {
		return faketime{}, errors.Join(errors.New("libfaketime is not installed (Debian's package faketime)"), err)
	}
	f := faketime{filepath.Join(dir, "servers.clock"), found[0]}
	return f, f.set(0)
}

func (f faketime) set(d time.Duration) error {
	fresh := f.file + ".new"                                                                               // a reader sees the old one or the new one
	if err := os.WriteFile(fresh, []byte(fmt.Sprintf("%+d\n", int64(d/time.Second))), 0o644); err != nil { //nolint:gosec // PostgreSQL reads it as somebody else
		return err
	}
	return os.Rename(fresh, f.file)
}

func (f faketime) env() []string {
	return []string{"LD_PRELOAD=" + f.library, "FAKETIME_TIMESTAMP_FILE=" + f.file, "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"}
}

// SetClock sets the wall clock of one process, d from the true time.
func (n *Node) SetClock(d time.Duration) error { return n.clock.set(d) }

// SetClocks sets the wall clocks of all processes, Redis and PostgreSQL too.
func (w *World) SetClocks(d time.Duration) error {
	errs := []error{w.setServerClocks(d)}
	for _, n := range w.Nodes() {
		errs = append(errs, n.SetClock(d))
	}
	return errors.Join(errs...)
}

// setServerClocks sets those of Redis and PostgreSQL.
func (w *World) setServerClocks(d time.Duration) error {
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

// ClockOffset is how many seconds the wall clock is told to be off.
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

// patch is a file of somebody else's with one place changed.
type patch struct{ file, old, new string }

// writeOverlay writes what go build -overlay takes into dir, and returns its
// path. goroot and libc are where the standard library and modernc.org/libc are.
func writeOverlay(dir, goroot, libc, goarch string) (string, error) {
	replace := map[string]string{}
	for i, p := range []patch{
		{filepath.Join(goroot, "src/time/time.go"), "sec, nsec, mono := runtimeNow()\n", "sec, nsec, mono := runtimeNow()\n\tsec += ClockOffset()\n"},
		{filepath.Join(libc, "ccgo_linux_"+goarch+".go"), "func Xclock_gettime(", "func clockGettime("},
	} {
		text, err := os.ReadFile(p.file)
		if err != nil {
			return "", err
		}
		// Now is the first to ask in package time; the others take differences.
		if !strings.Contains(string(text), p.old) {
			return "", fmt.Errorf("%s has no %q: the lab's clocks do not know this version", p.file, p.old)
		}
		mine := filepath.Join(dir, "overlay"+strconv.Itoa(i)+".go")
		if err := os.WriteFile(mine, []byte(strings.ReplaceAll(string(text), p.old, p.new)), 0o600); err != nil {
			return "", err
		}
		replace[p.file] = mine
	}
	for path, source := range map[string]string{
		filepath.Join(goroot, "src/time/lab_clock.go"): clockSource,
		filepath.Join(libc, "lab_clock.go"):            libcSource,
	} {
		mine := filepath.Join(dir, "overlay-"+filepath.Base(filepath.Dir(path))+".go")
		if err := os.WriteFile(mine, []byte(source), 0o600); err != nil {
			return "", err
		}
		replace[path] = mine
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, data, 0o600)
}
