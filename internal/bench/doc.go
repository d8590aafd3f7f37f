// Package bench measures chat from the outside, as whole processes, beside the
// least that could do the same: two floor programs that append a chunk to a
// Redis list, publish it, and forward the subscription as server-sent events,
// without a database, leases, attempts or resuming by position.
//
// Each token that the provider emits carries its place and the time when it was
// written (Token), so that whoever reads it knows how long it took and whether
// one is missing or came twice. Everything is measured by the same reader in the
// same run: a Scenario runs against one Target after the other, each with a
// Redis and a PostgreSQL of its own that nobody else uses.
//
// What the screen, the command line and the search cost is measured by benchmarks
// that stand with the code, each beside a baseline (Screen); they are run here, so
// that all figures stand in one report, with what some of them may be at most.
//
// Times are wall-clock times of one machine; CPU is what the kernel charged to a
// process (/proc/<pid>/stat, in ticks of 10 ms), memory its resident pages.
package bench
