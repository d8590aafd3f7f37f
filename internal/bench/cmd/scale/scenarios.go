//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"chat/internal/bench/records"
	"chat/internal/bench/scale"
)

// scenario is one thing to measure. run keeps its result in r and writes it as Markdown.
type scenario struct {
	name, what string
	run        func(ctx context.Context, o options, r *results, stdout, progress io.Writer) error
}

// pace is the time between two tokens of a stream.
const pace = 50 * time.Millisecond

func scenarios() []scenario {
	return []scenario{
		{"scale-streams", "one API and one worker process, more and more streams", func(ctx context.Context, o options, r *results, stdout, progress io.Writer) (err error) {
			r.Streams, err = o.runs(ctx, progress, stdout, layouts(scale.Layout{APIs: 1, Workers: 1}), 50, 100, 200, 400, 800)
			return err
		}},
		{"scale-processes", "400 streams on 1, 2 and 4 API processes and 1, 2 and 4 worker processes", func(ctx context.Context, o options, r *results, stdout, progress io.Writer) (err error) {
			r.Processes, err = o.runs(ctx, progress, stdout, layouts(
				scale.Layout{APIs: 1, Workers: 1}, scale.Layout{APIs: 2, Workers: 1}, scale.Layout{APIs: 4, Workers: 1},
				scale.Layout{APIs: 1, Workers: 2}, scale.Layout{APIs: 1, Workers: 4}, scale.Layout{APIs: 2, Workers: 2}, scale.Layout{APIs: 4, Workers: 4},
			), 400)
			return err
		}},
		{"scale-cluster", "one Redis beside a Redis Cluster of three masters and three replicas", func(ctx context.Context, o options, r *results, stdout, progress io.Writer) (err error) {
			r.Cluster, err = o.runs(ctx, progress, stdout, layouts(scale.Layout{APIs: 1, Workers: 1}, scale.Layout{APIs: 1, Workers: 1, Cluster: true}), 100, 400)
			return err
		}},
		{"scale-followers", "followers that wait", func(ctx context.Context, o options, r *results, stdout, progress io.Writer) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			idle, err := scale.MeasureFollowers(ctx, self, o.chatd, o.followers, progress)
			if err != nil {
				return err
			}
			r.Followers = &idle
			return idle.Write(stdout)
		}},
		{"scale-simulation", "the simulation beside the runs before (of -json, too), and what it predicts of larger loads", simulate},
		{"scale-postgres", "operations on PostgreSQL with few and many messages", recordsOn("postgres")},
		{"scale-sqlite", "operations on SQLite with few and many messages", recordsOn("sqlite")},
	}
}

func layouts(all ...scale.Layout) []scale.Layout { return all }

// runs measures each layout with each number of streams.
func (o options) runs(ctx context.Context, progress, stdout io.Writer, all []scale.Layout, streams ...int) ([]scale.Run, error) {
	var list []scale.Run
	for _, n := range streams {
		for _, l := range all {
			r, err := scale.MeasureStreams(ctx, o.chatd, l, scale.Load{Streams: n, Pace: pace})
			if err != nil {
				return list, fmt.Errorf("%s, %d streams: %w", l, n, err)
			}
			fmt.Fprintf(progress, "%s, %d streams: %.0f tokens/s, p50 %.2f ms, API %.1f µs, worker %.1f µs\n", l, n, r.Rate, r.P50, r.CPU[scale.KindAPI], r.CPU[scale.KindWorker])
			list = append(list, r)
		}
	}
	return list, scale.WriteRuns(stdout, list)
}

func recordsOn(engine string) func(context.Context, options, *results, io.Writer, io.Writer) error {
	return func(ctx context.Context, o options, r *results, stdout, progress io.Writer) error {
		report, err := records.Run(ctx, records.Config{Engine: engine, Small: o.small, Large: o.large, Progress: progress})
		if err != nil {
			return err
		}
		kept := []records.Report{report}
		for _, old := range r.Records {
			if old.Engine != engine {
				kept = append(kept, old)
			}
		}
		r.Records = kept
		return report.Write(stdout)
	}
}
