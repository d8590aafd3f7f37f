//go:build crashpoints

package crash

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// plan is the parsed CHATD_CRASH.
type plan struct {
	at   Point
	pass int64 // counted from 1
	how  string
}

var (
	passes  atomic.Int64 // of the planned point
	current = sync.OnceValue(func() plan { return parse(os.Getenv("CHATD_CRASH")) })
)

func parse(s string) plan {
	at, rest, _ := strings.Cut(s, ":")
	pass, how, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseInt(pass, 10, 64)
	if err != nil {
		n = 1
	}
	return plan{Point(at), n, how}
}

// Here crashes at the point p if the environment selects it.
func Here(p Point) {
	c := current()
	if c.at != p || passes.Add(1) != c.pass {
		return
	}
	switch c.how {
	case "panic":
		panic(fmt.Sprintf("crash point %s", p))
	case "stop":
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	default:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // until the signal arrives
	}
}
