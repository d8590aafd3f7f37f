package fullscreen

import (
	"context"
	"fmt"
	"time"

	"github.com/charmbracelet/x/term"

	"chat/daemon/client"
	"chat/internal/cli/output"
	"chat/internal/report"
	"chat/tui/top"
)

// sampleInterval is the time between the two samples of a rate.
const sampleInterval = time.Second

// PrintSnapshot prints the current state. If answers are running, it takes two samples.
func PrintSnapshot(ctx context.Context, p *output.Console, cl *client.Client, asJSON bool) error {
	var meter top.Meter
	st, err := cl.Stats(ctx)
	if err != nil {
		return err
	}
	meter.See(st)
	if len(st.Answers) > 0 {
		pause := time.NewTimer(sampleInterval)
		defer pause.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-pause.C:
		}
		if st, err = cl.Stats(ctx); err != nil {
			return err
		}
		meter.See(st)
	}
	if asJSON {
		return output.WriteJSON(p.Out, measuredStats(st, &meter))
	}
	host, err := HostName(ctx, cl)
	if err != nil {
		return err
	}
	width := 120
	if w, _, err := term.GetSize(p.Out.Fd()); err == nil && w > 0 {
		width = w
	}
	for _, row := range top.Snapshot(st, &meter, host, width) {
		if _, err := fmt.Fprintln(p.Out, row); err != nil {
			return err
		}
	}
	return nil
}

// measuredAnswer is an answer with its rate, or nil if it was seen only once.
type measuredAnswer struct {
	report.RunningAnswer
	TokensPerSecond *float64 `json:"tokens_per_second"`
}

type measured struct {
	report.Stats
	Answers []measuredAnswer `json:"answers"`
}

func measuredStats(st report.Stats, m *top.Meter) measured {
	out := measured{Stats: st, Answers: []measuredAnswer{}}
	for _, a := range st.Answers {
		answer := measuredAnswer{RunningAnswer: a}
		if rate, ok := m.Rate(a.TaskID); ok {
			answer.TokensPerSecond = &rate
		}
		out.Answers = append(out.Answers, answer)
	}
	return out
}
