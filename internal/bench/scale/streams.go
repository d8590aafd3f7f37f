//go:build linux

package scale

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Layout is a number of processes.
type Layout struct {
	APIs    int  `json:"apis"`
	Workers int  `json:"workers"`
	Cluster bool `json:"cluster,omitempty"` // of three masters and three replicas, instead of one Redis
}

func (l Layout) String() string {
	text := fmt.Sprintf("%d API, %d worker", l.APIs, l.Workers)
	if l.Cluster {
		text += ", Cluster"
	}
	return text
}

// Load is a number of streams, each with one reader.
type Load struct {
	Streams int           `json:"streams"`
	Pace    time.Duration `json:"pace"` // between two tokens of a stream
}

// Run is the result of one load on one layout.
type Run struct {
	Layout
	Load
	Seconds   float64            `json:"seconds"`
	Rate      float64            `json:"rate"`       // tokens/s that arrived
	CPU       map[string]float64 `json:"cpu"`        // µs a token, by kind
	Cores     float64            `json:"cores"`      // that our processes used
	Foreign   float64            `json:"foreign"`    // cores that other processes used
	P50       float64            `json:"p50"`        // ms
	P99       float64            `json:"p99"`        // ms
	Late      float64            `json:"late"`       // % of tokens that took longer than the pace
	Lost      int                `json:"lost"`       // tokens lost or doubled
	Memory    map[string]float64 `json:"memory_mib"` // of all processes of a kind
	Processes map[string]int     `json:"processes"`  // of a kind
}

// Measured is how long tokens are sent at their pace, Settled the time at both ends of it
// that is not measured.
const Measured, Settled = 8 * time.Second, time.Second

// MeasureStreams runs a load.
func MeasureStreams(ctx context.Context, chatd string, layout Layout, load Load) (_ Run, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("it took longer than two minutes"))
	defer cancel()
	s, err := open(ctx, chatd, layout)
	if err != nil {
		return Run{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	rs, err := s.streams(ctx, load.Streams)
	defer func() {
		for _, r := range rs.all() {
			err = errors.Join(err, r.close())
		}
	}()
	if err != nil {
		return Run{}, err
	}
	return s.measure(ctx, layout, load, rs)
}

// streams submits n messages and follows their answers until each has its first token.
func (s *site) streams(ctx context.Context, n int) (*readers, error) {
	rs := &readers{}
	var mu sync.Mutex
	var errs []error
	var work sync.WaitGroup
	const clients = 16
	for c := range clients {
		work.Go(func() {
			for i := c; i < n && ctx.Err() == nil; i += clients {
				r, err := s.stream(ctx, i)
				mu.Lock()
				switch {
				case err != nil:
					errs = append(errs, err)
				case i%sampledEvery == 0:
					rs.sampled = append(rs.sampled, r)
				default:
					rs.counted = append(rs.counted, r)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	work.Wait()
	for _, r := range rs.all() {
		errs = append(errs, r.awaitFirst())
	}
	return rs, errors.Join(append(errs, context.Cause(ctx))...)
}

func (s *site) stream(ctx context.Context, i int) (*reader, error) {
	api := s.apis[i%len(s.apis)]
	task, err := s.submit(ctx, api)
	if err != nil {
		return nil, err
	}
	return follow(api, task, i)
}

// reading is what has been used until a time.
type reading struct {
	at      time.Time
	cpu     map[string]time.Duration
	machine time.Duration
}

func (s *site) read() (r reading, err error) {
	r = reading{at: time.Now(), cpu: map[string]time.Duration{}}
	for kind, pids := range s.pids {
		if r.cpu[kind], err = cpuTimes(pids); err != nil {
			return r, err
		}
	}
	r.machine, err = machineTime()
	return r, err
}

func (s *site) measure(ctx context.Context, layout Layout, load Load, rs *readers) (Run, error) {
	run := Run{Layout: layout, Load: load, CPU: map[string]float64{}, Memory: map[string]float64{}, Processes: map[string]int{}}
	tokens := int(Measured / load.Pace)
	var work sync.WaitGroup
	var paced, read error
	work.Go(func() { read = rs.read(ctx) })
	work.Go(func() { paced = s.provider.pace(ctx, tokens, load.Pace) })
	before, after, err := s.between(ctx, run.Memory)
	work.Wait()
	if err := errors.Join(err, paced, read); err != nil {
		return run, err
	}
	for _, r := range rs.all() {
		run.Lost += abs(1 + tokens - r.marks/2)
	}
	elapsed := after.at.Sub(before.at)
	run.Seconds = elapsed.Seconds()
	took := rs.between(before.at, after.at)
	run.Rate = float64(len(took)) / float64(len(rs.sampled)) * float64(load.Streams) / run.Seconds
	late := 0
	for _, d := range took {
		if d > load.Pace {
			late++
		}
	}
	run.P50, run.P99 = quantile(took, 0.5), quantile(took, 0.99)
	run.Late = 100 * float64(late) / float64(max(1, len(took)))
	for kind := range s.pids {
		used := after.cpu[kind] - before.cpu[kind]
		run.CPU[kind] = float64(used) / float64(time.Microsecond) / (run.Rate * run.Seconds)
		run.Cores += used.Seconds() / run.Seconds
		run.Processes[kind] = len(s.pids[kind])
	}
	run.Foreign = max(0, (after.machine-before.machine).Seconds()/run.Seconds-run.Cores)
	return run, nil
}

// between reads what is used when the measured time begins and ends, and the memory then.
func (s *site) between(ctx context.Context, mib map[string]float64) (before, after reading, err error) {
	if err := pause(ctx, Settled); err != nil {
		return before, after, err
	}
	if before, err = s.read(); err != nil {
		return before, after, err
	}
	if err := pause(ctx, Measured-2*Settled); err != nil {
		return before, after, err
	}
	if after, err = s.read(); err != nil {
		return before, after, err
	}
	for kind, pids := range s.pids {
		n, err := memory(pids)
		if err != nil {
			return before, after, err
		}
		mib[kind] = float64(n) / (1 << 20)
	}
	return before, after, nil
}

// between are the times of the sampled tokens that arrived between from and to, sorted.
func (rs *readers) between(from, to time.Time) (all []time.Duration) {
	for _, r := range rs.sampled {
		for _, x := range r.took {
			if at := x.emitted + int64(x.took); at >= from.UnixNano() && at < to.UnixNano() {
				all = append(all, x.took)
			}
		}
	}
	slices.Sort(all)
	return all
}

// quantile of sorted times, by the nearest rank, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]) / float64(time.Millisecond)
}

func abs(n int) int { return max(n, -n) }
