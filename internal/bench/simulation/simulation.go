package simulation

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Kind is a kind of process.
type Kind int

// The kinds of processes.
const (
	Provider Kind = iota // with the readers
	Worker
	Redis
	API
	SQL
	kinds
)

// Cost is what a kind of process costs.
type Cost struct {
	// Wake is the CPU time to wake an idle process, Item that of one item: a token that is
	// sent or read, a chunk of a batch, a command with its publication, a chunk that is
	// written to a reader, a statement.
	Wake, Item time.Duration
}

// Costs are those of all kinds.
type Costs struct {
	Of [kinds]Cost
	// Hop is the delay, without CPU time, before an idle process runs or a reader reads.
	Hop time.Duration
}

// System is what is simulated.
type System struct {
	Cores   int
	Foreign float64 // of the cores, that other programs use
	APIs    int
	Workers int
	Redises int // servers that share the streams
	Streams int
	Pace    time.Duration // between two tokens of a stream
	Tick    time.Duration // of the provider
	// StatementRate is that of statements of SQL, in 1/s.
	StatementRate float64
	Seconds       float64 // that are measured, after a second that is not
	Seed          uint64
}

// Prediction is the result.
type Prediction struct {
	Rate      float64        // tokens/s that arrived
	CPU       [kinds]float64 // µs a token
	Busy      float64        // share of the cores
	P50, P99  float64        // ms
	Late      float64        // % of tokens that took longer than the pace
	Batch     float64        // streams in a round trip, mean
	RedisBusy float64        // cores, of all Redis servers together
	Wakes     [kinds]float64 // a token
	Items     [kinds]float64 // a token
}

// stream is one answer.
type stream struct {
	worker, api, redis int
	socket             []time.Duration // tokens that the worker has not read: when they were sent
	reading            bool
	pending            []time.Duration // text that no batch has
	queued             bool            // in the worker's next batch
}

// site is a running simulation.
type site struct {
	machine
	System

	provider, sql *process
	readers       *process // of the kind Provider, too, but on no token's way
	workers, apis []*process
	redises       []*process
	streams       []*stream
	queues        [][]*stream // of each worker: streams with text
	appending     []bool      // of each worker: a round trip is under way
	arrived       [][]chunk   // of each API process: what its subscriber has not read
	copying       []bool
	measured      bool
	took          []time.Duration
	batches, sent int
}

// chunk is the text of a stream in one batch.
type chunk struct {
	s    *stream
	sent []time.Duration
}

// Simulate runs a system with some costs.
func Simulate(sys System, costs Costs) Prediction {
	s := &site{System: sys, machine: machine{cores: sys.Cores, costs: slow(costs, sys)}}
	s.build()
	s.after(0, func() { s.tick(0) })
	if sys.StatementRate > 0 {
		s.statement(rand.New(rand.NewPCG(sys.Seed, 2)))
	}
	s.run(time.Second)
	s.measured, s.counts = true, [kinds]count{}
	s.run(time.Second + time.Duration(sys.Seconds*float64(time.Second)))
	return s.result(costs)
}

// slow makes jobs take longer when other programs use a part of the cores. They cannot use
// more than half of them, because the scheduler is fair.
func slow(costs Costs, sys System) Costs {
	factor := float64(sys.Cores) / max(float64(sys.Cores)/2, float64(sys.Cores)-sys.Foreign)
	for i, c := range costs.Of {
		costs.Of[i] = Cost{time.Duration(float64(c.Wake) * factor), time.Duration(float64(c.Item) * factor)}
	}
	return costs
}

func (s *site) build() {
	random := rand.New(rand.NewPCG(s.Seed, 1))
	made := func(kind Kind, threads, n int) (list []*process) {
		for range n {
			list = append(list, &process{kind: kind, threads: threads})
		}
		return list
	}
	s.provider, s.readers = &process{kind: Provider, threads: 1, awake: true}, &process{kind: Provider, threads: 1}
	s.sql = &process{kind: SQL, threads: 16}
	s.workers, s.apis, s.redises = made(Worker, s.Cores, s.Workers), made(API, s.Cores, s.APIs), made(Redis, 1, s.Redises)
	s.queues, s.appending = make([][]*stream, s.Workers), make([]bool, s.Workers)
	s.arrived, s.copying = make([][]chunk, s.APIs), make([]bool, s.APIs)
	for i := range s.Streams {
		s.streams = append(s.streams, &stream{worker: random.IntN(s.Workers), api: i % s.APIs, redis: random.IntN(s.Redises)})
	}
}

// tick sends the tokens of one round of the provider.
func (s *site) tick(n int) {
	slots := max(1, int(s.Pace/s.Tick))
	s.after(time.Duration(n+1)*s.Pace/time.Duration(slots)-s.now, func() { s.tick(n + 1) })
	var sent []*stream
	for i := n % slots; i < len(s.streams); i += slots {
		sent = append(sent, s.streams[i])
	}
	if len(sent) == 0 {
		return
	}
	emitted := s.now
	for _, st := range sent {
		s.submit(job{p: s.provider, items: 1, done: func() {
			st.socket = append(st.socket, emitted)
			s.readable(st)
		}})
	}
	s.submit(job{p: s.readers})
}

// readable lets the worker read a stream.
func (s *site) readable(st *stream) {
	if st.reading || len(st.socket) == 0 {
		return
	}
	st.reading = true
	w := st.worker
	s.submit(job{p: s.workers[w], items: 1, done: func() {
		st.pending, st.socket = append(st.pending, st.socket...), nil
		st.reading = false
		if !st.queued {
			st.queued = true
			s.queues[w] = append(s.queues[w], st)
		}
		s.flush(w)
	}})
}

// maxBatch is the largest number of streams in a round trip.
const maxBatch = 512

// flush begins a round trip of a worker unless one is under way.
func (s *site) flush(w int) {
	if s.appending[w] || len(s.queues[w]) == 0 {
		return
	}
	s.appending[w] = true
	n := min(maxBatch, len(s.queues[w]))
	batch := make([][]chunk, s.Redises)
	for _, st := range s.queues[w][:n] {
		batch[st.redis] = append(batch[st.redis], chunk{st, st.pending})
		st.pending, st.queued = nil, false
	}
	s.queues[w] = slices.Delete(s.queues[w], 0, n)
	if s.measured {
		s.batches++
		s.sent += n
	}
	open := 0
	for _, part := range batch {
		if len(part) > 0 {
			open++
		}
	}
	s.submit(job{p: s.workers[w], items: n, done: func() {
		for r, part := range batch {
			if len(part) == 0 {
				continue
			}
			s.submit(job{p: s.redises[r], items: len(part), done: func() {
				s.publish(part)
				if open--; open == 0 {
					s.submit(job{p: s.workers[w], done: func() { s.appending[w] = false; s.flush(w) }})
				}
			}})
		}
	}})
}

// publish gives chunks to the subscribers of the API processes.
func (s *site) publish(part []chunk) {
	for _, c := range part {
		s.arrived[c.s.api] = append(s.arrived[c.s.api], c)
	}
	for a := range s.apis {
		s.copy(a)
	}
}

// copy has an API process write to its readers what its subscriber has received.
func (s *site) copy(a int) {
	if s.copying[a] || len(s.arrived[a]) == 0 {
		return
	}
	s.copying[a] = true
	chunks := s.arrived[a]
	s.arrived[a] = nil
	for i, c := range chunks {
		s.submit(job{p: s.apis[a], items: 1, done: func() {
			for _, sent := range c.sent {
				s.arrive(sent)
			}
			if i == len(chunks)-1 {
				s.copying[a] = false
				s.copy(a)
			}
		}})
	}
}

func (s *site) arrive(sent time.Duration) {
	if s.measured {
		s.took = append(s.took, s.now-sent+s.costs.Hop)
	}
}

// statement runs statements at random times.
func (s *site) statement(random *rand.Rand) {
	s.after(time.Duration(random.ExpFloat64()/s.StatementRate*float64(time.Second)), func() {
		s.submit(job{p: s.sql, items: 1})
		s.statement(random)
	})
}

func (s *site) result(costs Costs) Prediction {
	slices.Sort(s.took)
	n := max(1, len(s.took))
	p := Prediction{Rate: float64(len(s.took)) / s.Seconds, P50: quantile(s.took, 0.5), P99: quantile(s.took, 0.99), Batch: float64(s.sent) / float64(max(1, s.batches))}
	late := 0
	for _, d := range s.took {
		if d > s.Pace {
			late++
		}
	}
	p.Late = 100 * float64(late) / float64(n)
	for k, c := range s.counts {
		used := time.Duration(c.wakes)*costs.Of[k].Wake + time.Duration(c.items)*costs.Of[k].Item
		p.CPU[k] = float64(used) / float64(time.Microsecond) / float64(n)
		p.Busy += used.Seconds() / s.Seconds / float64(s.Cores)
		p.Wakes[k], p.Items[k] = float64(c.wakes)/float64(n), float64(c.items)/float64(n)
	}
	p.RedisBusy = p.CPU[Redis] * p.Rate / 1e6
	return p
}

// quantile of sorted times, by the nearest rank, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]) / float64(time.Millisecond)
}
