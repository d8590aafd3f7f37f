package lab

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/world"
)

// figures are the times that a run shows: from a cancel to the closed connection.
func figures(h *history.History) []Figure {
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
	if h.Row == "process/kill-worker-at-the-default-lease" {
		for _, d := range h.TakenOver() {
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

// Summary prints the outcome of all runs: a line for each row and profile, what failed with
// the command that replays it, the figures and the totals.
func Summary(out io.Writer, results []Result) error {
	if err := table(out, results); err != nil {
		return err
	}
	for _, r := range results {
		for _, n := range r.Notes {
			fmt.Fprintln(out, n)
		}
		if !r.Passed() {
			failure(out, r)
		}
	}
	fmt.Fprintln(out)
	figures := map[string][]float64{}
	for _, r := range results {
		for _, f := range r.Figures {
			figures[f.Name] = append(figures[f.Name], f.Seconds)
		}
	}
	for _, name := range sortedKeys(figures) {
		fmt.Fprintf(out, "%s: %s\n", name, spread(figures[name]))
	}
	for _, line := range followed(results) {
		fmt.Fprintln(out, line)
	}
	return totals(out, results)
}

// table prints a line for each row and profile.
func table(out io.Writer, results []Result) error {
	type key struct {
		row string
		p   world.Profile
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
		}
		fmt.Fprintf(t, "%s\t%s\t%d/%d\t%s\t%d\t%d\t%d\n", k.row, k.p, ok, len(by[k]), strings.Join(seeds, " "), sum.Tasks, sum.Calls, sum.Conns)
	}
	return t.Flush()
}

// followed returns a line for each row whose load followed tasks through other wire formats than
// the native one: how many tasks, and over how many connections.
func followed(results []Result) []string {
	type key struct{ row, format string }
	sum := map[key]history.Coverage{}
	var rows, formats []string
	for _, r := range results {
		for _, c := range r.Followed {
			if !slices.Contains(rows, r.Row) {
				rows = append(rows, r.Row)
			}
			if !slices.Contains(formats, c.Format) {
				formats = append(formats, c.Format)
			}
			all := sum[key{r.Row, c.Format}]
			all.Tasks, all.Connections = all.Tasks+c.Tasks, all.Connections+c.Connections
			sum[key{r.Row, c.Format}] = all
		}
	}
	var out []string
	for _, row := range rows {
		var list []string
		for _, format := range formats {
			c := sum[key{row, format}]
			list = append(list, fmt.Sprintf("%s %d (%d)", format, c.Tasks, c.Connections))
		}
		out = append(out, fmt.Sprintf("%s: tasks (connections) by format: %s", row, strings.Join(list, ", ")))
	}
	return out
}

// failure prints what a run broke, and how to repeat it.
func failure(out io.Writer, r Result) {
	const shown = 20
	fmt.Fprintf(out, "\nFAILED %s on %s, seed %d; its files: %s\n  again: %s\n", r.Row, r.Profile, r.Seed, r.Dir, r.Replay())
	if r.Err != "" {
		fmt.Fprintln(out, "  the run:", r.Err)
	}
	for i, v := range r.Violations {
		if i == shown {
			fmt.Fprintf(out, "  … and %d more\n", len(r.Violations)-i)
			break
		}
		fmt.Fprintln(out, "  "+v.String())
	}
}

// totals prints how many runs passed, and how many messages were harmed.
func totals(out io.Writer, results []Result) error {
	tasks, passed := 0, 0
	harmed, late := map[string]bool{}, map[string]bool{}
	for i, r := range results {
		tasks += r.Tasks
		if r.Passed() {
			passed++
		}
		for _, v := range r.Violations {
			of := late
			if v.Harm() {
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
