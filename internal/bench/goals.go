package bench

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Goal is a limit for a figure.
type Goal struct {
	Scenario string
	Target   string
	Figure   string
	// Limit is in the figure's unit; with Of, a multiple of that target's value in the same
	// run; with Beside, a multiple of the target's own value in that scenario.
	Limit  float64
	Of     string
	Beside string
	// AtLeast means that more is better.
	AtLeast bool
}

// Goals lists the goals in the order of the scenarios. The goals of chatd hold with
// the API and the worker in one process and in separate ones.
func Goals() []Goal {
	const cpu = "CPU of the target a token"
	var goals []Goal
	for _, target := range []string{"chatd", "chatd-apart"} {
		goal := func(scenario, figure string, limit float64, of string) {
			goals = append(goals, Goal{Scenario: scenario, Target: target, Figure: figure, Limit: limit, Of: of})
		}
		for _, scenario := range []string{"latency-1", "latency-100", "latency-500"} {
			goal(scenario, "p50", 1.3, FloorBatchName)
			goal(scenario, "p99", 1.5, FloorBatchName)
		}
		goal("latency-1000", "late", 1, "")
		goal("latency-1000", "p50", 1.5, FloorBatchName)
		goal("latency-1000", "p99", 1, FloorBatchName)
		goal("latency-2000", "p99", 1000, "")
		goal("latency-100", cpu, 1.5, FloorBatchName)
		goal("latency-500", cpu, 1.5, FloorBatchName)
		goal("latency-1000", cpu, 1, FloorBatchName)
		goals = append(goals, Goal{Scenario: "throughput", Target: target, Figure: "throughput", Limit: 0.8, Of: FloorBatchName, AtLeast: true})
		goal("submit", "to the first token, p50", 6, "")
		goal("submit", "to the first token, p99", 25, "")
		goal("burst", "until all have ended", 1.5, FloorName)
		goal("replay", "to the last byte, 1 reader", 0.4, FloorName)
		goal("replay", "to the last byte, 50 readers at once", 0.4, FloorName)
		goal("fan-out", cpu, 1, FloorName)
		goal("fan-out", "p99", 30, "")
		goal("memory", "a running stream", 40, "")
		goal("memory", "an idle reader", 30, "")
		goal("memory", "Redis for a byte of an ended answer", 2, "")
	}
	for _, s := range Scenarios() {
		for _, target := range []string{"chatd", "chatd-apart", "embedded"} {
			goals = append(goals, Goal{Scenario: s.Name, Target: target, Figure: lost})
		}
	}
	for _, format := range []string{responsesFormat, socketFormat} {
		for _, n := range []string{"-1", "-500"} {
			goals = append(goals,
				Goal{Scenario: format + n, Target: "chatd", Figure: "p50", Limit: 1.2, Beside: "latency" + n},
				Goal{Scenario: format + n, Target: "chatd", Figure: cpu, Limit: 1.5, Beside: "latency" + n})
		}
	}
	return append(goals,
		Goal{Scenario: "latency-1", Target: "embedded", Figure: "p50", Limit: 1},
		Goal{Scenario: "start", Target: "embedded", Figure: "ready after", Limit: 60},
	)
}

// Verdict is a goal and the measured value.
type Verdict struct {
	Goal
	Measured Result
	Allowed  float64
	Reached  bool
}

// Judge compares the results with the goals that they have figures for.
func (rs Results) Judge(goals []Goal) (all []Verdict) {
	for _, g := range goals {
		got := rs.find(g.Scenario, g.Target, g.Figure)
		if got == nil {
			continue
		}
		v := Verdict{Goal: g, Measured: *got, Allowed: g.Limit}
		if g.Of != "" || g.Beside != "" {
			floor := rs.find(cmp.Or(g.Beside, g.Scenario), cmp.Or(g.Of, g.Target), g.Figure)
			if floor == nil {
				continue
			}
			v.Allowed *= floor.Value
		}
		v.Reached = got.Value <= v.Allowed
		if g.AtLeast {
			v.Reached = got.Value >= v.Allowed
		}
		all = append(all, v)
	}
	return all
}

// WriteVerdicts writes a Markdown table: of the goals that are not reached, or with
// all, of every goal.
func WriteVerdicts(w io.Writer, verdicts []Verdict, all bool) error {
	var b strings.Builder
	reached := 0
	for _, v := range verdicts {
		if v.Reached {
			reached++
		}
	}
	fmt.Fprintf(&b, "\n### %d of %d goals reached\n\n", reached, len(verdicts))
	if all || reached < len(verdicts) {
		b.WriteString("| goal | target | measured | allowed | |\n|---|---|---|---|---|\n")
	}
	for _, v := range verdicts {
		if v.Reached && !all {
			continue
		}
		bound, allowed, verdict := "≤", number3(v.Allowed), "**gap**"
		if v.AtLeast {
			bound = "≥"
		}
		if v.Of != "" || v.Beside != "" {
			allowed += fmt.Sprintf(" (%g × %s)", v.Limit, cmp.Or(v.Of, v.Beside))
		}
		if v.Reached {
			verdict = "ok"
		}
		fmt.Fprintf(&b, "| %s: %s, %s | %s | %s | %s %s | %s |\n",
			v.Scenario, v.Figure, v.Measured.Unit, v.Target, number3(v.Measured.Value), bound, allowed, verdict)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
