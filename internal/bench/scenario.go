package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Figure is one measured value.
type Figure struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Value float64 `json:"value"`
}

// Scenario is one load and its figures. Less is better in every figure except those
// whose unit ends in "/s".
type Scenario struct {
	Name string
	What string
	run  func(context.Context, *Site) ([]Figure, error)
	// only lists the targets that the scenario applies to; nil: all that serve
	// chunks.
	only []string
}

// suits reports whether the scenario makes sense for the target.
func (s Scenario) suits(target string) bool {
	if s.only == nil {
		return target != ProviderName
	}
	return slices.Contains(s.only, target)
}

// Scenarios lists them in the order of the report.
func Scenarios() []Scenario {
	list := []Scenario{{"latency-1", "1 stream at 50 tokens/s", latency(1, 20*time.Millisecond), nil}}
	for _, n := range []int{100, 500, 1000, 2000} {
		list = append(list, Scenario{fmt.Sprintf("latency-%d", n), fmt.Sprintf("%d streams at 20 tokens/s, one reader each", n), latency(n, 50*time.Millisecond), nil})
	}
	for _, format := range []string{responsesFormat, socketFormat} {
		for _, n := range []int{1, 500} {
			pace := map[int]time.Duration{1: 20 * time.Millisecond, 500: 50 * time.Millisecond}[n]
			list = append(list, Scenario{fmt.Sprintf("%s-%d", format, n), fmt.Sprintf("latency-%d, read through %s", n, format), formatted(format, n, pace), []string{"chatd"}})
		}
	}
	return append(list,
		Scenario{"throughput", "16 streams of 10,000 tokens, as fast as they go", throughput, nil},
		Scenario{"submit", "50 messages a second", submit, nil},
		Scenario{"burst", "2,000 messages at the same time, answers of 5 tokens", burst, nil},
		Scenario{"fan-out", "1 stream at 20 tokens/s, 1,000 readers", fanout, nil},
		Scenario{"replay", "an ended stream of 10,000 tokens, read late", replay, nil},
		Scenario{"flaky", "200 streams at 20 tokens/s; their readers drop and resume every half second", flaky, nil},
		Scenario{"memory", "of running streams, idle readers and ended streams", footprint, nil},
		Scenario{"provider", "5,000 streams at 20 tokens/s", latency(5000, 50*time.Millisecond), []string{ProviderName}},
		Scenario{"start", "from exec to the first connection taken", start, []string{"chatd", "embedded"}},
	)
}

// lost is the figure of tokens that did not come, or came twice.
const lost = "lost or doubled"

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func perToken(d time.Duration, tokens int) float64 {
	return float64(d) / float64(time.Microsecond) / float64(max(tokens, 1))
}

// ramp is how long the sending of n messages may take before the pace begins.
func ramp(n int) time.Duration { return time.Second + time.Duration(n)*5*time.Millisecond }

// measured is how long tokens are sent at their pace.
const measured = 10 * time.Second

func latency(n int, pace time.Duration) func(context.Context, *Site) ([]Figure, error) {
	return func(ctx context.Context, s *Site) ([]Figure, error) {
		l := load{streams: n, followers: 1, every: 2 * time.Millisecond}
		return l.paced(ctx, s, pace)
	}
}

// formatted is latency with followers of another wire format.
func formatted(format string, n int, pace time.Duration) func(context.Context, *Site) ([]Figure, error) {
	return func(ctx context.Context, s *Site) ([]Figure, error) {
		return load{streams: n, followers: 1, every: 2 * time.Millisecond, format: format}.paced(ctx, s, pace)
	}
}

// paced runs the load at a pace and reports the latencies of the tokens.
func (l load) paced(ctx context.Context, s *Site, pace time.Duration) ([]Figure, error) {
	l.script = Script{Tokens: int(measured / pace), Pace: pace, Start: time.Now().Add(ramp(l.streams * max(1, l.followers/4)))}
	o, err := l.run(ctx, s)
	if err != nil {
		return nil, err
	}
	took := o.latencies()
	onTime := 0
	for _, d := range took {
		if d <= pace {
			onTime++
		}
	}
	return []Figure{
		{"p50", "ms", ms(quantile(took, 0.5))},
		{"p99", "ms", ms(quantile(took, 0.99))},
		{"max", "ms", ms(quantile(took, 1))},
		{"late", "%", 100 * float64(len(took)-onTime) / float64(max(1, len(took)))},
		{"CPU of the target a token", "µs", perToken(o.target.CPU, len(took))},
		{"CPU of Redis a token", "µs", perToken(o.redis.CPU, len(took))},
		{"memory of the target", "MiB", float64(o.target.RSS) / (1 << 20)},
		{lost, "tokens", float64(o.faults())},
	}, nil
}

func throughput(ctx context.Context, s *Site) ([]Figure, error) {
	const streams, each = 16, 10000
	o, err := load{streams: streams, followers: 1, script: Script{Tokens: each}}.run(ctx, s)
	if err != nil {
		return nil, err
	}
	target, redis, err := s.spent()
	if err != nil {
		return nil, err
	}
	return []Figure{
		{"throughput", "tokens/s", streams * each / o.until().Seconds()},
		{"CPU of the target a token", "µs", perToken(target.CPU-o.before.CPU, streams*each)},
		{"CPU of Redis a token", "µs", perToken(redis.CPU, streams*each)},
		{lost, "tokens", float64(o.faults())},
	}, nil
}

func submit(ctx context.Context, s *Site) ([]Figure, error) {
	o, err := load{streams: 300, followers: 1, every: 20 * time.Millisecond, script: Script{Tokens: 5, Pace: 20 * time.Millisecond}}.run(ctx, s)
	if err != nil {
		return nil, err
	}
	first := o.first()
	return []Figure{
		{"to the first token, p50", "ms", ms(quantile(first, 0.5))},
		{"to the first token, p99", "ms", ms(quantile(first, 0.99))},
		{lost, "tokens", float64(o.faults())},
	}, nil
}

func burst(ctx context.Context, s *Site) ([]Figure, error) {
	o, err := load{streams: 2000, followers: 1, script: Script{Tokens: 5, Pace: 20 * time.Millisecond}}.run(ctx, s)
	if err != nil {
		return nil, err
	}
	first := o.first()
	return []Figure{
		{"to the first token, p50", "ms", ms(quantile(first, 0.5))},
		{"to the first token, p99", "ms", ms(quantile(first, 0.99))},
		{"until all have ended", "ms", ms(o.until())},
		{lost, "tokens", float64(o.faults())},
	}, nil
}

func fanout(ctx context.Context, s *Site) ([]Figure, error) {
	return load{streams: 1, followers: 1000}.paced(ctx, s, 50*time.Millisecond)
}

func flaky(ctx context.Context, s *Site) ([]Figure, error) {
	return load{streams: 200, followers: 1, every: 2 * time.Millisecond, drop: 500 * time.Millisecond}.paced(ctx, s, 50*time.Millisecond)
}

func replay(ctx context.Context, s *Site) ([]Figure, error) {
	script := Script{Tokens: 10000}
	urls, err := s.prepare(ctx, 1)
	if err != nil {
		return nil, err
	}
	task, err := s.submit(ctx, urls[0], script)
	if err != nil {
		return nil, err
	}
	if err := s.follow(ctx, &Reading{}, task); err != nil {
		return nil, err
	}
	late := func(readers int) (time.Duration, int, error) {
		o := &outcome{}
		began := time.Now()
		l := load{script: script}
		for range readers {
			o.readings = append(o.readings, &Reading{Began: began})
		}
		errs := make(chan error, readers)
		for _, r := range o.readings {
			go func() { errs <- l.read(ctx, s, r, task) }()
		}
		for range readers {
			if err := <-errs; err != nil {
				return 0, 0, err
			}
		}
		for _, r := range o.readings {
			r.Gaps += script.Tokens - r.next
		}
		return o.until(), o.faults(), nil
	}
	var ones []time.Duration
	faults := 0
	for range 9 {
		d, n, err := late(1)
		if err != nil {
			return nil, err
		}
		ones, faults = append(ones, d), faults+n
	}
	fifty, n, err := late(50)
	if err != nil {
		return nil, err
	}
	return []Figure{
		{"to the last byte, 1 reader", "ms", ms(median(ones))},
		{"to the last byte, 50 readers at once", "ms", ms(fifty)},
		{lost, "tokens", float64(faults + n)},
	}, nil
}
