package lab

import (
	"fmt"
	"io"
	"slices"

	"chat/internal/lab/world"
)

// Markdown prints results as the table of docs/reliability.md.
func Markdown(out io.Writer, results []Result) error {
	type line struct{ passed, runs, tasks, calls, connections int }
	var order []string
	lines := map[string]*line{}
	figures := map[string][]float64{}
	for _, r := range results {
		l := lines[r.Row]
		if l == nil {
			l = &line{}
			lines[r.Row] = l
			order = append(order, r.Row)
		}
		l.runs++
		if r.Passed() {
			l.passed++
		}
		l.tasks, l.calls, l.connections = l.tasks+r.Tasks, l.calls+r.Calls, l.connections+r.Conns
		for _, f := range r.Figures {
			figures[f.Name] = append(figures[f.Name], f.Seconds)
		}
	}
	fmt.Fprintln(out, "| row | profiles | runs passed | tasks | provider calls | connections |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	var sum line
	for _, name := range order {
		l := lines[name]
		var on []world.Profile
		for _, r := range results {
			if r.Row == name && !slices.Contains(on, r.Profile) {
				on = append(on, r.Profile)
			}
		}
		fmt.Fprintf(out, "| `%s` | %s | %d/%d | %d | %d | %d |\n", name, joined(on), l.passed, l.runs, l.tasks, l.calls, l.connections)
		sum.passed, sum.runs, sum.tasks, sum.calls, sum.connections = sum.passed+l.passed, sum.runs+l.runs, sum.tasks+l.tasks, sum.calls+l.calls, sum.connections+l.connections
	}
	if _, err := fmt.Fprintf(out, "| all | | %d/%d | %d | %d | %d |\n\n", sum.passed, sum.runs, sum.tasks, sum.calls, sum.connections); err != nil {
		return err
	}
	for _, name := range sortedKeys(figures) {
		fmt.Fprintf(out, "* %s: %s\n", name, spread(figures[name]))
	}
	for _, line := range followed(results) {
		fmt.Fprintf(out, "* %s\n", line)
	}
	return nil
}

func joined(on []world.Profile) string {
	s := ""
	for i, p := range on {
		if i > 0 {
			s += ", "
		}
		s += string(p)
	}
	return s
}
