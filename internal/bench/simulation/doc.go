// Package simulation predicts the CPU time, the rate and the latency of tokens on a number of
// cores, API processes, worker processes and Redis servers, by simulating each token's way.
//
// It is a discrete-event simulation. Cores serve a queue of jobs, first come, first served;
// a process has at most so many jobs at the same time as it has threads, and Redis one. The
// way of a token is that of docs/architecture.md: the provider writes all tokens of a tick; a
// worker reads what has arrived on a stream; its batcher appends the text of all streams that
// wait, one round trip after the other, so that text which arrives during a round trip goes
// together in the next one; Redis runs the commands of the batch and publishes; the subscriber
// of each API process reads what has arrived, and writes to the readers.
//
// A job costs a fixed amount for each item of its kind. A process that is idle must first be
// woken, which costs more CPU time and some delay. This is why a token costs less under load.
// Both costs of each kind of process come from two measured runs (Calibrate).
//
// Tasks are few beside tokens: the statements of SQL are jobs of the database at the rate at
// which streams begin and end.
//
// The same parameters, load and seed give the same result.
package simulation
