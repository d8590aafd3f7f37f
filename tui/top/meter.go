package top

import (
	"time"

	"chat"
)

// window is how far back a rate looks: shorter jumps about, longer lags behind.
const window = 5 * time.Second

// Meter measures how quickly answers come, from successive looks. The zero Meter
// is ready.
type Meter struct {
	looks map[string][]look
}

// look is the length of a chunk log at a moment.
type look struct {
	at      time.Time
	chunks  int
	attempt int
}

// See takes another look. What does not run any more is forgotten.
func (m *Meter) See(st chat.Stats) {
	looks := make(map[string][]look, len(st.Answers))
	for _, a := range st.Answers {
		past := m.looks[a.TaskID]
		if n := len(past); n > 0 && (past[n-1].attempt != a.Attempt || past[n-1].chunks > a.Chunks) {
			past = nil // another attempt, or a log that was lost and is written again
		}
		past = append(past, look{st.At, a.Chunks, a.Attempt})
		for len(past) > 2 && st.At.Sub(past[1].at) >= window {
			past = past[1:]
		}
		looks[a.TaskID] = past
	}
	m.looks = looks
}

// Rate is the chunks a second of an answer, which for most providers are tokens.
// It is not known before the second look.
func (m *Meter) Rate(taskID string) (float64, bool) {
	past := m.looks[taskID]
	if len(past) < 2 {
		return 0, false
	}
	first, last := past[0], past[len(past)-1]
	d := last.at.Sub(first.at).Seconds()
	if d <= 0 {
		return 0, false
	}
	return float64(last.chunks-first.chunks) / d, true
}

// Total is the sum of all rates that are known.
func (m *Meter) Total() float64 {
	total := 0.0
	for id := range m.looks {
		if rate, ok := m.Rate(id); ok {
			total += rate
		}
	}
	return total
}
