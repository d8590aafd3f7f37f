package screen

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chat/internal/poll"
)

// BenchmarkScreen of this package measures the program itself. It compares a
// conversation of 5,000 messages with one of 20, and `chat version` with the
// smallest Go program.
func BenchmarkScreen(b *testing.B) {
	h := newHome(b)
	h.run("daemon", "start")
	for target, messages := range map[string]int{"chat": 5000, "baseline": 20} {
		h.run("import", h.conversation(messages))
		b.Run("long-terminal/"+target, func(b *testing.B) {
			for b.Loop() {
				h.measureTalk(b, messages)
			}
		})
	}
	b.Run("idle/chat", func(b *testing.B) {
		for b.Loop() {
			h.measureRest(b)
		}
	})
	for target, args := range map[string][]string{"chat": {h.chat, "version"}, "baseline": {least(b)}} {
		b.Run("version/"+target, func(b *testing.B) {
			for b.Loop() {
				var took []time.Duration
				for range 30 {
					cmd := exec.CommandContext(b.Context(), args[0], args[1:]...)
					cmd.Env = h.env
					began := time.Now()
					if err := cmd.Run(); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				report(b, "start_to_end", 0.5, took)
			}
		})
	}
}

// benchID is the conversation with that many messages.
func benchID(messages int) string { return fmt.Sprintf("0195bbbb-0000-7000-8000-%012d", messages) }

// conversation writes an export of that many messages.
func (h *home) conversation(messages int) string {
	h.t.Helper()
	type object map[string]any
	id := func(n int) string { return fmt.Sprintf("0195cccc-%04d-7000-8000-%012d", messages, n) }
	var list []object
	for i := range messages {
		m := object{"id": id(i), "role": "user", "content": fmt.Sprint("question ", i)}
		if i%2 == 1 {
			m["role"], m["state"], m["model"] = "assistant", "done", "demo"
			m["content"] = fmt.Sprintf("## Answer %d\n\nSome *text* with `code`.\n\n- one\n- two\n\n```go\nfunc main() {}\n```\n\nThe end of %d.", i, i)
		}
		if i > 0 {
			m["parent_id"] = id(i - 1)
		}
		list = append(list, m)
	}
	data, err := json.Marshal(object{"id": benchID(messages), "title": "A talk", "messages": list})
	if err != nil {
		h.t.Fatal(err)
	}
	name := filepath.Join(h.dir, fmt.Sprint(messages, ".json"))
	if err := os.WriteFile(name, data, 0o600); err != nil {
		h.t.Fatal(err)
	}
	return name
}

// measureTalk opens a conversation a few times, types and turns pages.
func (h *home) measureTalk(b *testing.B, messages int) {
	last := fmt.Sprintf("The end of %d.", messages-1)
	var opened, keys, pages []time.Duration
	for range 7 {
		x := open(b, h.command(b.Context(), "-r", benchID(messages)), last)
		x.until(last)
		opened = append(opened, x.seen(last))
		x.until("live")
		x.settle(200 * time.Millisecond)
		for range 20 {
			keys = append(keys, x.echo("x"))
		}
		for i := range 10 { // there and back, so that each one changes the screen
			pages = append(pages, x.echo([]string{"\x1b[5~", "\x1b[6~"}[i/5]))
		}
		x.press("\x03\x04")
		x.exit()
	}
	report(b, "open", 0.5, opened)
	report(b, "key,_p50", 0.5, keys)
	report(b, "key,_p99", 0.99, keys)
	report(b, "page,_p50", 0.5, pages)
}

// measureRest measures an idle screen.
func (h *home) measureRest(b *testing.B) {
	const rest = 30 * time.Second
	x := open(b, h.command(b.Context(), "-r", benchID(20)))
	x.until("live")
	x.settle(time.Second)
	written, used := x.mark(), cpu(b, x.cmd.Process.Pid)
	poll.Pause(rest) // this is the measurement
	b.ReportMetric(100*float64(cpu(b, x.cmd.Process.Pid)-used)/float64(rest), "CPU-%")
	b.ReportMetric(float64(x.mark()-written), "written-bytes")
	x.press("\x04")
	x.exit()
}

// cpu is the time that a process has taken so far; see proc_pid_stat(5).
func cpu(b *testing.B, pid int) (sum time.Duration) {
	b.Helper()
	const tick = 10 * time.Millisecond // on every Linux that Go runs on
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(n) * tick
	}
	return sum
}

// echo presses a key, waits for the first bytes in response, and for the rest.
func (x *terminal) echo(key string) time.Duration {
	x.t.Helper()
	from, began := x.mark(), time.Now()
	x.press(key)
	x.wait("an echo", func(out string) bool { return len(out) > from })
	took := time.Since(began)
	x.settle(40 * time.Millisecond)
	return took
}

func report(b *testing.B, name string, q float64, took []time.Duration) {
	slices.Sort(took)
	at := int(math.Ceil(q*float64(len(took)))) - 1
	b.ReportMetric(float64(took[at])/float64(time.Millisecond), name+"-ms")
}

// least builds a program that prints a line.
func least(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	source := filepath.Join(dir, "least.go")
	text := strings.Join([]string{"package main", `import "os"`, `func main() { os.Stdout.WriteString("least\n") }`, ""}, "\n")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	program := filepath.Join(dir, "least")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return program
}
