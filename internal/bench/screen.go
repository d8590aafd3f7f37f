package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// Benchmarks next to the code measure what users notice at the terminal, because
// they need unexported code. Each is named BenchmarkScreen/<scenario>/<target>, and
// reports figures as "name-unit".

// The targets of a screen scenario: chat, and its baselines.
const (
	chatName     = "chat"
	baselineName = "baseline"
)

// screenPackages hold the benchmarks.
func screenPackages() []string {
	return []string{"./tui", "./sql", "./internal/screen"}
}

// ScreenScenarios lists the scenarios and their baselines.
func ScreenScenarios() []Scenario {
	const streamed = ", 16 KB at 100 tokens/s on 120×40; the baseline lays the whole answer out again for each frame"
	return []Scenario{
		{Name: "stream-mixed", What: "prose, lists, code and tables" + streamed},
		{Name: "stream-fence", What: "one code block" + streamed},
		{Name: "stream-list", What: "a list of 240 items" + streamed},
		{Name: "stream-table", What: "one table" + streamed},
		{Name: "stream-cjk", What: "Japanese and emoji" + streamed},
		{Name: "long-screen", What: "5,000 messages, what the screen's goroutine does; the baseline is 20 messages"},
		{Name: "long-terminal", What: "5,000 messages, from the program's start or a key to bytes on a terminal; the baseline is 20 messages"},
		{Name: "idle", What: "an open conversation in which nothing happens, for 30 s"},
		{Name: "version", What: "`chat version`, from start to end; the baseline is a Go program that prints a line"},
		{Name: "search-sqlite", What: "10,000 conversations of 4 messages, 24 MB; the baseline reads every message"},
		{Name: "search-postgres", What: "10,000 conversations of 4 messages, 24 MB; the baseline reads every message"},
	}
}

// most returns the limit of a figure of chat; 0 for none.
func most(scenario, figure string) float64 {
	switch {
	case strings.HasPrefix(scenario, "stream-") && figure == "busy": // percent of the time, on the screen's goroutine
		return 10
	case strings.HasPrefix(scenario, "stream-") && figure == "frame, p99":
		return 16
	case strings.HasPrefix(scenario, "long-") && figure == "open":
		return 300
	case strings.HasPrefix(scenario, "long-") && figure == "key, p99":
		return 50
	case scenario == "idle" && figure == "CPU": // percent of the time
		return 0.5
	case strings.HasPrefix(scenario, "search-"):
		return 100
	}
	return 0
}

// Screen runs the benchmarks, rounds times each, and reports on progress. Its error
// includes the figures that exceed their limits.
func Screen(ctx context.Context, rounds int, progress io.Writer) (Results, error) {
	args := []string{"test", "-run", "^$", "-bench", "^BenchmarkScreen$", "-benchtime", "1x", "-count", strconv.Itoa(rounds), "-p", "1", "-timeout", "30m"}
	cmd := exec.CommandContext(ctx, "go", append(args, screenPackages()...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, progress), progress
	failed := cmd.Run()
	rs, err := parseScreen(&out)
	if err := errors.Join(failed, err); err != nil {
		return rs, err
	}
	return rs, rs.broken()
}

// parseScreen reads the output of go test -bench.
func parseScreen(r io.Reader) (Results, error) {
	var rs Results
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "BenchmarkScreen/") {
			continue
		}
		path := strings.Split(fields[0], "/")
		if len(path) != 3 {
			return nil, fmt.Errorf("%q is not BenchmarkScreen/scenario/target", fields[0])
		}
		target, _, _ := strings.Cut(path[2], "-") // the number of processors follows
		var figures []Figure
		for pair := range slices.Chunk(fields[2:], 2) {
			name, unit, ok := strings.Cut(pair[len(pair)-1], "-")
			if !ok { // ns/op, of all that it did
				continue
			}
			value, err := strconv.ParseFloat(pair[0], 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", lines.Text(), err)
			}
			figures = append(figures, Figure{strings.ReplaceAll(name, "_", " "), unit, value})
		}
		rs.add(path[1], target, figures)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	for i := range rs {
		if rs[i].Target == chatName {
			rs[i].Limit = most(rs[i].Scenario, rs[i].Name)
		}
	}
	rs.settle()
	return rs, nil
}

// broken lists the figures that exceed their limits.
func (rs Results) broken() error {
	var errs []error
	for _, r := range rs {
		if r.Limit != 0 && r.Value > r.Limit {
			errs = append(errs, fmt.Errorf("%s: %s is %s %s, and may be %s", r.Scenario, r.Name, number3(r.Value), r.Unit, number3(r.Limit)))
		}
	}
	return errors.Join(errs...)
}
