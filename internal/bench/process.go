package bench

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU times in /proc, on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// used is the machine time and memory of a process, and of its current and former
// children.
type used struct {
	CPU time.Duration
	RSS int64 // bytes, now
}

// usage reads /proc (see proc_pid_stat(5)).
func usage(pid int) (u used, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return u, err
	}
	own := filepath.Join("/proc", strconv.Itoa(pid), "stat")
	found := false
	for _, path := range stats {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if len(fields) < 22 {
			continue
		}
		child := fields[1] == strconv.Itoa(pid)
		if path != own && !child {
			continue
		}
		found = found || path == own
		for i := 11; i <= 14; i++ { // utime, stime, cutime, cstime
			n, err := strconv.ParseInt(fields[i], 10, 64)
			if err != nil {
				return u, fmt.Errorf("%s: %w", path, err)
			}
			u.CPU += time.Duration(n) * tick
		}
		pages, err := strconv.ParseInt(fields[21], 10, 64)
		if err != nil {
			return u, fmt.Errorf("%s: %w", path, err)
		}
		u.RSS += pages * int64(os.Getpagesize())
	}
	if !found {
		return u, fmt.Errorf("process %d has ended", pid)
	}
	return u, nil
}
