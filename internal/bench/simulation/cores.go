package simulation

import (
	"container/heap"
	"time"
)

// event is what happens at a time.
type event struct {
	at  time.Duration
	seq int // events of the same time happen in the order in which they were scheduled
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if e[i].at != e[j].at {
		return e[i].at < e[j].at
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) } //nolint:errcheck,forcetypeassert // only events are pushed
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// process is one process: its jobs wait in a queue for a thread and a core.
type process struct {
	kind    Kind
	threads int  // jobs that may run at the same time
	awake   bool // need not be woken
	running int
	waiting []job
}

// job needs a core for some time, and then something happens.
type job struct {
	p     *process
	items int // of the kind
	extra time.Duration
	done  func()
}

// machine has the cores, and the clock of the simulation.
type machine struct {
	now     time.Duration
	seq     int
	pending events
	cores   int
	busy    int
	ready   []job // have a thread and wait for a core
	costs   Costs
	counts  [kinds]count // since the beginning of the measured time
}

// count is what a kind of process has done.
type count struct {
	wakes, items int
	cpu          time.Duration
}

func (m *machine) after(d time.Duration, do func()) {
	m.seq++
	heap.Push(&m.pending, event{m.now + d, m.seq, do})
}

// run lets time pass until an end.
func (m *machine) run(until time.Duration) {
	for len(m.pending) > 0 && m.pending[0].at <= until {
		e, _ := heap.Pop(&m.pending).(event)
		m.now = e.at
		e.do()
	}
	m.now = until
}

// submit gives a job to its process.
func (m *machine) submit(j job) {
	if j.p.running == j.p.threads {
		j.p.waiting = append(j.p.waiting, j)
		return
	}
	m.admit(j)
}

// admit gives a thread to a job. A process that was idle is woken.
func (m *machine) admit(j job) {
	if j.p.running == 0 && !j.p.awake {
		m.counts[j.p.kind].wakes++
		j.extra += m.costs.Of[j.p.kind].Wake
		j.p.running++
		m.after(m.costs.Hop, func() { m.start(j) })
		return
	}
	j.p.running++
	m.start(j)
}

// start lets a job that has a thread wait for a core.
func (m *machine) start(j job) {
	m.ready = append(m.ready, j)
	m.dispatch()
}

// dispatch runs ready jobs on idle cores.
func (m *machine) dispatch() {
	for m.busy < m.cores && len(m.ready) > 0 {
		j := m.ready[0]
		m.ready = m.ready[1:]
		m.busy++
		took := j.extra + time.Duration(j.items)*m.costs.Of[j.p.kind].Item
		c := &m.counts[j.p.kind]
		c.items += j.items
		c.cpu += took
		m.after(took, func() {
			m.busy--
			j.p.running--
			if j.done != nil {
				j.done()
			}
			if len(j.p.waiting) > 0 && j.p.running < j.p.threads {
				next := j.p.waiting[0]
				j.p.waiting = j.p.waiting[1:]
				j.p.running++ // it goes on and need not be woken
				m.start(next)
			}
			m.dispatch()
		})
	}
}
