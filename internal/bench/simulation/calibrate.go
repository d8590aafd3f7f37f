package simulation

import (
	"cmp"
	"slices"
	"time"
)

// Point is a measured run: the system, what a token cost in µs, and the median time of one in
// ms.
type Point struct {
	System System
	CPU    [kinds]float64
	P50    float64
}

// rounds is how often the costs are computed anew from the numbers of wakes and items, which
// depend on the costs.
const rounds = 12

// hops is about how often a token waits for a process to wake.
const hops = 4

// Calibrate returns the costs with which the simulation of the points has their CPU time: the
// least squares of the relative errors, without negative costs. The delay of a hop is that
// with which the first point has its median.
func Calibrate(points []Point) Costs {
	var costs Costs
	for k := range costs.Of {
		costs.Of[k] = Cost{20 * time.Microsecond, 5 * time.Microsecond}
	}
	for range rounds {
		var all []Prediction
		for _, p := range points {
			all = append(all, Simulate(p.System, costs))
		}
		for k := range costs.Of {
			next := fit(points, all, k)
			// Half of the way, so that it does not swing.
			costs.Of[k].Wake = (costs.Of[k].Wake + next.Wake) / 2
			costs.Of[k].Item = (costs.Of[k].Item + next.Item) / 2
		}
		if points[0].P50 > 0 {
			costs.Hop = max(0, costs.Hop+micros((points[0].P50-all[0].P50)*1000/hops))
		}
	}
	return costs
}

// fit solves wakes × Wake + items × Item = CPU of a kind for all points.
func fit(points []Point, all []Prediction, k int) Cost {
	var ww, wi, ii, w, i float64
	for n, p := range all {
		if points[n].CPU[k] == 0 {
			continue
		}
		a, b := p.Wakes[k]/points[n].CPU[k], p.Items[k]/points[n].CPU[k]
		ww, wi, ii, w, i = ww+a*a, wi+a*b, ii+b*b, w+a, i+b
	}
	candidates := []Cost{{}}
	if ww > 0 {
		candidates = append(candidates, Cost{Wake: micros(w / ww)})
	}
	if ii > 0 {
		candidates = append(candidates, Cost{Item: micros(i / ii)})
	}
	if d := ww*ii - wi*wi; d > 1e-12*ww*ii {
		both := Cost{micros((w*ii - i*wi) / d), micros((i*ww - w*wi) / d)}
		if both.Wake >= 0 && both.Item >= 0 {
			return both
		}
	}
	return slices.MinFunc(candidates, func(a, b Cost) int { return cmp.Compare(residue(points, all, k, a), residue(points, all, k, b)) })
}

// residue is the sum of the squares of the relative errors of a kind.
func residue(points []Point, all []Prediction, k int, c Cost) (sum float64) {
	for n, p := range all {
		if points[n].CPU[k] > 0 {
			got := (p.Wakes[k]*float64(c.Wake) + p.Items[k]*float64(c.Item)) / float64(time.Microsecond)
			sum += (got/points[n].CPU[k] - 1) * (got/points[n].CPU[k] - 1)
		}
	}
	return sum
}

func micros(v float64) time.Duration { return time.Duration(v * float64(time.Microsecond)) }
