//go:build linux

package scale

import (
	"fmt"
	"io"
	"strings"
)

// WriteRuns writes runs as a Markdown table.
func WriteRuns(w io.Writer, runs []Run) error {
	var b strings.Builder
	b.WriteString("| processes | streams | tokens/s | p50, ms | p99, ms | late, % | lost |")
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, " %s, µs a token |", kind)
	}
	b.WriteString(" cores used | by others |\n|---|---|---|---|---|---|---|" + strings.Repeat("---|", len(Kinds())+2) + "\n")
	for _, r := range runs {
		fmt.Fprintf(&b, "| %s | %d at %g/s | %.0f | %.2f | %.1f | %.2f | %d |", r.Layout, r.Streams, 1/r.Pace.Seconds(), r.Rate, r.P50, r.P99, r.Late, r.Lost)
		for _, kind := range Kinds() {
			if r.Processes[kind] == 0 {
				b.WriteString(" |")
				continue
			}
			fmt.Fprintf(&b, " %.1f |", r.CPU[kind])
		}
		fmt.Fprintf(&b, " %.2f | %.2f |\n", r.Cores, r.Foreign)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Write writes the result as a Markdown table.
func (r Idle) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, `| %d idle followers of %d answers | |
|---|---|
| API processes (at most %d open files each) | %d |
| memory of the API for each follower | %.1f KiB |
| CPU of the API for all followers | %.3f cores |
| CPU of Redis | %.3f cores |
| CPU of PostgreSQL | %.3f cores |
| followers whose stream ended early | %d |
| CPU of other processes on the machine | %.2f cores |
`, r.Followers, idleStreams, r.FileLimit, r.APIs, r.KiB, r.Cores, r.Redis, r.Postgres, r.Ended, r.Foreign)
	return err
}
