package world

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// Gauges are a process's own figures.
type Gauges struct {
	Node       string
	Goroutines float64
	Resident   float64 // bytes
	Files      float64
	Streams    float64
}

// parseMetrics reads Prometheus text.
func parseMetrics(text string) map[string]float64 {
	out := map[string]float64{}
	for line := range strings.SplitSeq(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			out[name] = v
		}
	}
	return out
}

// Gauges reads the gauges of each process. It omits processes that do not answer.
func (w *World) Gauges(ctx context.Context) []Gauges {
	var out []Gauges
	for _, n := range w.Nodes() {
		if n.proc == nil || !n.Alive() {
			continue
		}
		g := Gauges{Node: n.Name}
		proc := fmt.Sprintf("/proc/%d/", n.proc.Pid())
		if fds, err := os.ReadDir(proc + "fd"); err == nil {
			g.Files = float64(len(fds))
		}
		if status, err := os.ReadFile(proc + "status"); err == nil {
			g.Resident = resident(string(status))
		}
		if n.Listen != "" {
			m := n.metrics(ctx)
			g.Goroutines, g.Streams = m["go_goroutines"], m["chat_streams_open"]
		}
		out = append(out, g)
	}
	return out
}

// Settled returns the gauges when no stream is open any more, or after ten seconds.
func (w *World) Settled(ctx context.Context) []Gauges {
	for n := 0; ; n++ {
		now := w.Gauges(ctx)
		streams := 0.0
		for _, g := range now {
			streams += g.Streams
		}
		if streams == 0 || n == 50 || Pause(ctx, 200*time.Millisecond) != nil {
			return now
		}
	}
}

func resident(status string) float64 {
	for line := range strings.SplitSeq(status, "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64) // 0 means unknown
			return kb * 1024
		}
	}
	return 0
}

func (n *Node) metrics(ctx context.Context) map[string]float64 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Listen+"/metrics", nil)
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+Bearer)
	res, err := Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body) // what was read counts
	return parseMetrics(string(text))
}
