package lab

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chat/internal/lab/faults"
	"chat/internal/lab/history"
	"chat/internal/lab/judge"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// soakable returns the rows whose faults can follow each other in one world.
func soakable(p world.Profile) []faults.Row {
	var out []faults.Row
	for _, r := range faults.Rows() {
		if r.Fault != nil && r.Setup == nil && r.Load == nil && r.Check == nil && !r.Alone && r.Redis == world.OneServer && slices.Contains(r.On, p) {
			out = append(out, r)
		}
	}
	return out
}

// SoakRow is a load of so many streams for d, with a random fault every period.
func SoakRow(p world.Profile, d, period time.Duration, streams int) faults.Row {
	rows := soakable(p)
	var samples [][]world.Gauges
	return faults.Row{
		Name: "soak", On: []world.Profile{p},
		// Each of the faults is excused what its own row is.
		Allow: judge.Allow{Overlap: true, Repurchase: true, RepurchaseFull: true, Unfinished: true, LateCancel: true, Silence: true, SlowFirst: true},
		Load: func(l *load.Load) {
			l.Asks, l.For, l.Tokens, l.Pace, l.Followers = 0, d, [2]int{80, 200}, 50*time.Millisecond, 2
			l.Every = 140 * l.Pace / time.Duration(streams)
		},
		Fault: func(ctx context.Context, w *faults.World) error {
			over := time.Now().Add(d - 2*period)
			for time.Now().Before(over) {
				next := time.Now().Add(period)
				samples = append(samples, w.Gauges(ctx))
				f := rows[w.Chance.IntN(len(rows))]
				w.History.Note("fault: " + f.Name)
				if err := f.Fault(ctx, w); err != nil {
					return fmt.Errorf("%s: %w", f.Name, err)
				}
				if err := world.Pause(ctx, time.Until(next)); err != nil {
					return err
				}
			}
			return nil
		},
		Check: func(h *history.History) []judge.Violation { return growth(h, samples) },
	}
}

// growth judges that nothing grows over a soak: the medians of its second and
// last quarter are compared, of whatever processes there were.
func growth(h *history.History, samples [][]world.Gauges) []judge.Violation {
	quarter := len(samples) / 4
	if quarter < 3 {
		return nil // too short to judge
	}
	early, late := samples[quarter:2*quarter], samples[3*quarter:]
	var out []judge.Violation
	for _, g := range []struct {
		name  string
		of    func(world.Gauges) float64
		slack float64
	}{
		{"goroutines", func(g world.Gauges) float64 { return g.Goroutines }, 100},
		{"resident bytes", func(g world.Gauges) float64 { return g.Resident }, 8 << 20},
		{"files", func(g world.Gauges) float64 { return g.Files }, 50},
	} {
		a, b := median(early, g.of), median(late, g.of)
		h.Note(fmt.Sprintf("%s: %.0f in the second quarter, %.0f in the last, ratio %.2f", g.name, a, b, b/max(a, 1)))
		if b > 1.1*a+g.slack {
			out = append(out, judge.Violation{Promise: "G1", Detail: fmt.Sprintf("%s grew from %.0f to %.0f", g.name, a, b)})
		}
	}
	return out
}

func median(samples [][]world.Gauges, of func(world.Gauges) float64) float64 {
	var all []float64
	for _, s := range samples {
		for _, g := range s {
			if v := of(g); v > 0 {
				all = append(all, v)
			}
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}
