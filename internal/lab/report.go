package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// save writes down everything that was seen.
func (h *History) save(dir string) error {
	f, err := os.Create(filepath.Join(dir, "history.json"))
	if err != nil {
		return err
	}
	e := json.NewEncoder(f)
	e.SetIndent("", " ")
	err = e.Encode(map[string]any{
		"row": h.Row.Name, "profile": h.Profile, "seed": h.Seed, "began": h.Began, "notes": h.Notes(),
		"asks": h.Asks(), "record": h.Rows, "redis": h.Redis, "calls": h.Calls,
	})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// gauges reads what each process holds. One that does not answer is left out.
func (w *World) gauges(ctx context.Context) []Gauges {
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
		if n.listen != "" {
			m := n.metrics(ctx)
			g.Goroutines, g.Streams = m["go_goroutines"], m["chat_streams_open"]
		}
		out = append(out, g)
	}
	return out
}

// settled are the gauges once nobody follows any more, or after a while.
func (w *World) settled(ctx context.Context) []Gauges {
	for n := 0; ; n++ {
		now := w.gauges(ctx)
		streams := 0.0
		for _, g := range now {
			streams += g.Streams
		}
		if streams == 0 || n == 50 || pause(ctx, 200*time.Millisecond) != nil {
			return now
		}
	}
}

func resident(status string) float64 {
	for line := range strings.SplitSeq(status, "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64) // 0 says that it is unknown
			return kb * 1024
		}
	}
	return 0
}

func (n *Node) metrics(ctx context.Context) map[string]float64 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.listen+"/metrics", nil)
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := direct.Do(req)
	if err != nil {
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(res.Body) // what was read counts
	return parseMetrics(string(text))
}

// figures are the times that a run shows: from a cancel to the closed connection.
func (h *History) figures() []Figure {
	var out []Figure
	for _, a := range h.Asks() {
		if a.Cancelled == nil || !a.Cancelled.Won || a.Accepted == nil {
			continue
		}
		for _, c := range h.CallsOf(a.Mark) {
			if c.Gone() && c.Ended.After(a.Cancelled.Asked) {
				out = append(out, Figure{"cancel → provider closed", c.Ended.Sub(a.Cancelled.Asked).Seconds()})
			}
		}
	}
	if h.Row.Name == "process/kill-worker-at-the-default-lease" {
		for _, d := range h.takenOver() {
			out = append(out, Figure{"kill -9 of a worker → next attempt, at the default lease of 15 s", d.Seconds()})
		}
	}
	for _, n := range h.Notes() {
		if name, d, ok := strings.Cut(n.What, " took "); ok {
			if took, err := time.ParseDuration(d); err == nil {
				out = append(out, Figure{name, took.Seconds()})
			}
		}
	}
	return out
}

// Summary prints what all runs came to: a line for each row and profile, what
// failed with the command that replays it, and the totals.
func Summary(out io.Writer, results []Result) error {
	type key struct {
		row string
		p   Profile
	}
	var order []key
	by := map[key][]Result{}
	for _, r := range results {
		k := key{r.Row, r.Profile}
		if by[k] == nil {
			order = append(order, k)
		}
		by[k] = append(by[k], r)
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "row\tprofile\tpassed\tseeds\ttasks\tcalls\tconnections")
	tasks, passed := 0, 0
	figures := map[string][]float64{}
	for _, k := range order {
		var seeds []string
		sum := Result{}
		ok := 0
		for _, r := range by[k] {
			seeds = append(seeds, fmt.Sprint(r.Seed))
			sum.Tasks, sum.Calls, sum.Conns = sum.Tasks+r.Tasks, sum.Calls+r.Calls, sum.Conns+r.Conns
			if r.Passed() {
				ok++
			}
			for _, f := range r.Figures {
				figures[f.Name] = append(figures[f.Name], f.Seconds)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%d/%d\t%s\t%d\t%d\t%d\n", k.row, k.p, ok, len(by[k]), strings.Join(seeds, " "), sum.Tasks, sum.Calls, sum.Conns)
		tasks, passed = tasks+sum.Tasks, passed+ok
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, r := range results {
		for _, n := range r.Notes {
			fmt.Fprintln(out, n)
		}
		if r.Passed() {
			continue
		}
		fmt.Fprintf(out, "\nFAILED %s on %s, seed %d; what is left of it: %s\n  again: %s\n", r.Row, r.Profile, r.Seed, r.Dir, r.Replay())
		if r.Err != "" {
			fmt.Fprintln(out, "  the run:", r.Err)
		}
		for i, v := range r.Violations {
			if i == 20 {
				fmt.Fprintf(out, "  … and %d more\n", len(r.Violations)-i)
				break
			}
			fmt.Fprintln(out, "  "+v.String())
		}
	}
	fmt.Fprintln(out)
	for _, name := range sortedKeys(figures) {
		fmt.Fprintf(out, "%s: %s\n", name, spread(figures[name]))
	}
	harmed, late := map[string]bool{}, map[string]bool{}
	for i, r := range results {
		for _, v := range r.Violations {
			of := late
			if v.harm() {
				of = harmed
			}
			of[fmt.Sprint(i, v.Mark)] = true
		}
	}
	_, err := fmt.Fprintf(out, "faults survived: %d of %d runs; tasks: %d, of which lost, doubled or mismatched: %d; with another promise broken: %d\n",
		passed, len(results), tasks, len(harmed), len(late))
	return err
}

func sortedKeys(m map[string][]float64) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// spread is the median, the 99th percentile and the maximum of some seconds.
func spread(v []float64) string {
	slices.Sort(v)
	at := func(q float64) time.Duration {
		i := int(math.Ceil(q*float64(len(v)))) - 1
		return time.Duration(v[max(i, 0)] * float64(time.Second)).Round(time.Millisecond)
	}
	return fmt.Sprintf("p50 %s, p99 %s, max %s (n=%d)", at(0.5), at(0.99), at(1), len(v))
}
