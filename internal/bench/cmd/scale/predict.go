//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"

	"chat/internal/bench/scale"
	"chat/internal/bench/simulation"
)

const (
	// The costs of the simulation come from the two runs of scale-streams with so many
	// streams. It must predict all other runs.
	calibratedFew, calibratedMany = 100, 400
	// allowedError is how far a prediction may be off, in percent.
	allowedError = 20
	// statementRate is that of statements of SQL while streams run: renewals and polls.
	statementRate = 20
	simulated     = 3 // seconds
)

// systemOf is the simulated system of a measured run.
func systemOf(r scale.Run) simulation.System {
	redises := max(1, r.Processes[scale.KindRedis])
	return simulation.System{
		Cores: runtime.NumCPU(), Foreign: r.Foreign, APIs: r.APIs, Workers: r.Workers, Redises: redises, Streams: r.Streams, Pace: r.Pace,
		Tick: scale.Tick, StatementRate: statementRate, Seconds: simulated, Seed: 1,
	}
}

func pointOf(r scale.Run) simulation.Point {
	p := simulation.Point{System: systemOf(r), P50: r.P50}
	for kind, name := range kindNames() {
		p.CPU[kind] = r.CPU[name]
	}
	return p
}

func kindNames() map[simulation.Kind]string {
	return map[simulation.Kind]string{
		simulation.Provider: scale.KindLoad, simulation.Worker: scale.KindWorker, simulation.Redis: scale.KindRedis,
		simulation.API: scale.KindAPI, simulation.SQL: scale.KindPostgres,
	}
}

// simulate calibrates the simulation with two of the measured runs, compares it with the
// others, and predicts larger loads.
func simulate(_ context.Context, _ options, r *results, stdout, _ io.Writer) error {
	var points []simulation.Point
	for _, streams := range []int{calibratedFew, calibratedMany} {
		for _, run := range r.Streams {
			if run.Streams == streams {
				points = append(points, pointOf(run))
			}
		}
	}
	if len(points) != 2 {
		return errors.New("run scale-streams first: the costs come from it")
	}
	costs := simulation.Calibrate(points)
	var b strings.Builder
	writeCosts(&b, costs)
	var good bool
	if r.Errors, good = writeErrors(&b, r, costs); good {
		writeLarger(&b, costs)
	} else {
		fmt.Fprintf(&b, "\nThe median error of a figure is above %d %%: these costs predict no larger load.\n", allowedError)
	}
	_, err := io.WriteString(stdout, b.String())
	return err
}

func writeCosts(b *strings.Builder, costs simulation.Costs) {
	fmt.Fprintf(b, "Costs from the runs with %d and %d streams. A hop takes %d µs.\n\n| | to wake, µs | an item, µs |\n|---|---|---|\n", calibratedFew, calibratedMany, costs.Hop.Microseconds())
	for k, c := range costs.Of {
		fmt.Fprintf(b, "| %s | %.1f | %.2f |\n", kindNames()[simulation.Kind(k)], float64(c.Wake)/1000, float64(c.Item)/1000)
	}
}

// predicted is the error of the simulation for one figure of one run, in percent.
type predicted struct {
	Run       string  `json:"run"`
	Figure    string  `json:"figure"`
	Measured  float64 `json:"measured"`
	Predicted float64 `json:"predicted"`
	Error     float64 `json:"error"`
}

// writeErrors simulates the runs that the costs do not come from, and writes the errors. good
// reports that the median errors are small enough for a prediction.
func writeErrors(b *strings.Builder, r *results, costs simulation.Costs) (list []predicted, good bool) {
	fmt.Fprintf(b, "\nMeasured → predicted, and the error, of all runs that the costs do not come from:\n\n"+
		"| processes | streams | tokens/s | API, µs a token | worker, µs | Redis, µs | p50, ms | p99, ms | cores |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, run := range slices.Concat(r.Streams, r.Processes, r.Cluster) {
		if run.Layout == (scale.Layout{APIs: 1, Workers: 1}) && (run.Streams == calibratedFew || run.Streams == calibratedMany) {
			continue
		}
		p := simulation.Simulate(systemOf(run), costs)
		fmt.Fprintf(b, "| %s | %d |", run.Layout, run.Streams)
		for _, f := range []struct {
			name                string
			measured, predicted float64
		}{
			{"tokens/s", run.Rate, p.Rate},
			{"API", run.CPU[scale.KindAPI], p.CPU[simulation.API]},
			{"worker", run.CPU[scale.KindWorker], p.CPU[simulation.Worker]},
			{"Redis", run.CPU[scale.KindRedis], p.CPU[simulation.Redis]},
			{"p50", run.P50, p.P50},
			{"p99", run.P99, p.P99},
			{"cores", run.Cores, p.Busy * float64(runtime.NumCPU())},
		} {
			off := 100 * (f.predicted/f.measured - 1)
			list = append(list, predicted{fmt.Sprintf("%s, %d streams", run.Layout, run.Streams), f.name, f.measured, f.predicted, off})
			fmt.Fprintf(b, " %.3g → %.3g (%+.0f %%) |", f.measured, f.predicted, off)
		}
		b.WriteString("\n")
	}
	return list, writeSummary(b, list)
}

// writeSummary writes how good the predictions of each figure are. It returns false if the
// median error of one other than p99 is too large.
func writeSummary(b *strings.Builder, list []predicted) bool {
	b.WriteString("\n| figure | predictions | within 20 % | median error | largest |\n|---|---|---|---|---|\n")
	good := len(list) > 0
	for _, name := range []string{"tokens/s", "API", "worker", "Redis", "p50", "p99", "cores"} {
		var errs []float64
		within := 0
		for _, p := range list {
			if p.Figure == name {
				errs = append(errs, math.Abs(p.Error))
				if math.Abs(p.Error) <= allowedError {
					within++
				}
			}
		}
		if len(errs) == 0 {
			continue
		}
		slices.Sort(errs)
		median := errs[(len(errs)-1)/2]
		good = good && (median <= allowedError || name == "p99")
		fmt.Fprintf(b, "| %s | %d | %d | %.0f %% | %.0f %% |\n", name, len(errs), within, median, errs[len(errs)-1])
	}
	return good
}

// base is the load whose multiples are predicted.
const base = 400 // streams at 20 tokens/s

// cell is a number of streams with a Redis server of its own. Larger loads are many cells:
// they share only SQL.
type cell struct {
	streams, cores, apis, workers int
	p                             simulation.Prediction
}

// writeLarger predicts one cell for each size, and larger loads as many cells.
func writeLarger(b *strings.Builder, costs simulation.Costs) {
	b.WriteString("\nOne Redis server, and as many cores and processes as keep tokens in time, on a quiet machine. The provider and the readers are elsewhere:\n\n" +
		"| streams at 20/s | cores | API | worker | tokens/s | p50, ms | p99, ms | late, % | cores used | Redis, of one core | API, µs a token | worker, µs | Redis, µs |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	best := cell{}
	costs.Of[simulation.Provider] = simulation.Cost{}
	for _, streams := range []int{base, 4 * base, 10 * base, 20 * base, 40 * base, 60 * base} {
		c, ok := smallest(streams, costs)
		fmt.Fprintf(b, "| %d | %d | %d | %d | %.0f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | %.1f | %.1f |\n", c.streams, c.cores, c.apis, c.workers, c.p.Rate, c.p.P50, c.p.P99,
			c.p.Late, c.p.Busy*float64(c.cores), c.p.RedisBusy, c.p.CPU[simulation.API], c.p.CPU[simulation.Worker], c.p.CPU[simulation.Redis])
		if ok {
			best = c
		}
	}
	if best.streams == 0 {
		return
	}
	fmt.Fprintf(b, "\nThe largest of these without late tokens is a cell of %d streams. Larger loads as such cells:\n\n"+
		"| load | streams | tokens/s | Redis masters | API processes | workers | cores used, with Redis |\n|---|---|---|---|---|---|---|\n", best.streams)
	for _, times := range []int{10, 100, 10_000} {
		streams := float64(times * base)
		cells := math.Ceil(streams / float64(best.streams))
		share := streams / float64(best.streams)
		used := streams * 20 * (best.p.CPU[simulation.API] + best.p.CPU[simulation.Worker] + best.p.CPU[simulation.Redis]) / 1e6
		fmt.Fprintf(b, "| %d × | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f |\n", times, streams, streams*20, cells,
			math.Ceil(share*float64(best.apis)), math.Ceil(share*float64(best.workers)), used)
	}
}

// smallest finds the fewest cores with which at most 1 % of the tokens are late.
func smallest(streams int, costs simulation.Costs) (c cell, ok bool) {
	for _, cores := range []int{2, 4, 8, 16, 32} {
		c = cell{streams: streams, cores: cores, apis: max(1, cores/8), workers: max(1, cores/8)}
		c.p = simulation.Simulate(simulation.System{
			Cores: cores, APIs: c.apis, Workers: c.workers, Redises: 1, Streams: streams, Pace: pace, Tick: scale.Tick,
			StatementRate: statementRate, Seconds: 1, Seed: 1,
		}, costs)
		if c.p.Late <= 1 && c.p.Rate > 0.97*float64(streams)/pace.Seconds() {
			return c, true
		}
	}
	return c, false
}
