// Package scale measures how chatd grows with streams, API processes, worker processes,
// nodes of a Redis Cluster and idle followers. It runs chatd as separate processes, as an
// operator does, and reports the CPU time per token of each kind of process: on a machine
// with few cores all processes compete, so that adding one cannot make the whole faster,
// but the CPU time that a token costs shows what more cores would do.
//
// The load is light. The provider sends frames that were built before, from one goroutine
// that wakes once a millisecond. Most readers only count tokens, a few times a second; every
// sampledEvery-th reads each token when it arrives and reports how long it took.
//
// CPU times are those of the kernel's clock of each process, in nanoseconds. The load that
// others had on the machine during a run is reported, too.
package scale
