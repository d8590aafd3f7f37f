package bench

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Result is one figure of one scenario and target: the median of the rounds.
type Result struct {
	Scenario string `json:"scenario"`
	Target   string `json:"target"`
	Figure
	// Ratio is the value divided by that of floor-batch or the baseline, 0 if that
	// has none.
	Ratio float64 `json:"ratio,omitempty"`
	// Limit is the limit of the value, 0 for none.
	Limit float64 `json:"limit,omitempty"`
	// All are the values of the rounds, in order.
	All []float64 `json:"all"`
}

// Results are those of a run.
type Results []Result

// add adds the figures of one round.
func (rs *Results) add(scenario, target string, figures []Figure) {
	for _, f := range figures {
		i := slices.IndexFunc(*rs, func(r Result) bool {
			return r.Scenario == scenario && r.Target == target && r.Name == f.Name
		})
		if i < 0 {
			i = len(*rs)
			*rs = append(*rs, Result{Scenario: scenario, Target: target, Figure: f})
		}
		(*rs)[i].All = append((*rs)[i].All, f.Value)
	}
}

// settle computes medians and ratios.
func (rs Results) settle() {
	for i := range rs {
		sorted := slices.Sorted(slices.Values(rs[i].All))
		rs[i].Value = sorted[(len(sorted)-1)/2]
	}
	for i, r := range rs {
		for _, name := range []string{FloorBatchName, baselineName} {
			if floor := rs.find(r.Scenario, name, r.Name); floor != nil && floor.Value != 0 {
				rs[i].Ratio = r.Value / floor.Value
			}
		}
	}
}

func (rs Results) find(scenario, target, name string) *Result {
	for i, r := range rs {
		if r.Scenario == scenario && r.Target == target && r.Name == name {
			return &rs[i]
		}
	}
	return nil
}

// distinct are the values of a field in their order.
func distinct(rs Results, field func(Result) string) []string {
	var all []string
	for _, r := range rs {
		if v := field(r); !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// Write writes a table in Markdown for each scenario.
func (rs Results) Write(w io.Writer) error {
	var b strings.Builder
	for _, scenario := range distinct(rs, func(r Result) string { return r.Scenario }) {
		mine := slices.DeleteFunc(slices.Clone(rs), func(r Result) bool { return r.Scenario != scenario })
		targets := distinct(mine, func(r Result) string { return r.Target })
		what := ""
		for _, s := range slices.Concat(Scenarios(), ScreenScenarios()) {
			if s.Name == scenario {
				what = s.What
			}
		}
		fmt.Fprintf(&b, "\n### %s: %s\n\n| | %s |\n|---|%s\n", scenario, what, strings.Join(targets, " | "), strings.Repeat("---|", len(targets)))
		for _, name := range distinct(mine, func(r Result) string { return r.Name }) {
			var cells []string
			unit := ""
			for _, target := range targets {
				r := mine.find(scenario, target, name)
				if r == nil {
					cells = append(cells, "")
					continue
				}
				unit = r.Unit
				cell := number3(r.Value)
				if r.Ratio != 0 && target != FloorBatchName && target != baselineName {
					cell += " (" + ratio(r.Ratio) + " ×)"
				}
				if r.Limit != 0 {
					cell += " of at most " + number3(r.Limit)
				}
				cells = append(cells, cell)
			}
			fmt.Fprintf(&b, "| %s, %s | %s |\n", name, unit, strings.Join(cells, " | "))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func ratio(v float64) string {
	if v < 0.1 {
		return fmt.Sprintf("%.3f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// number3 formats a number with three significant digits.
func number3(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}
