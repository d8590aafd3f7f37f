package top

import (
	"time"

	"chat/internal/report"
)

// window is the time span of a rate: a shorter one fluctuates, a longer one lags.
const window = 5 * time.Second

// Meter measures the speed of answers from successive samples. The zero Meter is
// ready.
type Meter struct {
	samples map[string][]sample
}

// sample is the length of a chunk log at a moment.
type sample struct {
	at      time.Time
	chunks  int
	attempt int
}

// See adds a sample. It forgets tasks that no longer run.
func (m *Meter) See(st report.Stats) {
	samples := make(map[string][]sample, len(st.Answers))
	for _, a := range st.Answers {
		history := m.samples[a.TaskID]
		if n := len(history); n > 0 && (history[n-1].attempt != a.Attempt || history[n-1].chunks > a.Chunks) {
			history = nil // another attempt, or a lost log that is rewritten
		}
		history = append(history, sample{st.At, a.Chunks, a.Attempt})
		for len(history) > 2 && st.At.Sub(history[1].at) >= window {
			history = history[1:]
		}
		samples[a.TaskID] = history
	}
	m.samples = samples
}

// Rate returns the chunks per second of an answer; most providers send one token
// per chunk. It is unknown before the second sample.
func (m *Meter) Rate(taskID string) (float64, bool) {
	history := m.samples[taskID]
	if len(history) < 2 {
		return 0, false
	}
	first, last := history[0], history[len(history)-1]
	d := last.at.Sub(first.at).Seconds()
	if d <= 0 {
		return 0, false
	}
	return float64(last.chunks-first.chunks) / d, true
}

// Total is the sum of all rates that are known.
func (m *Meter) Total() float64 {
	total := 0.0
	for id := range m.samples {
		if rate, ok := m.Rate(id); ok {
			total += rate
		}
	}
	return total
}
