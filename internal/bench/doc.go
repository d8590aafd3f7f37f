// Package bench measures chat from the outside, as whole processes, next to the
// minimum that could do the same: two floor programs that append a chunk to a Redis
// list, publish it, and forward the subscription as server-sent events, without a
// database, leases, attempts or resuming by position.
//
// Each token that the provider emits contains its number and the time when it was
// written (Token), so that a reader knows how long it took and whether one is
// missing or repeated. The same reader measures everything in the same run: a
// Scenario runs against one Target after the other, each with a Redis and a
// PostgreSQL of its own.
//
// Benchmarks next to the code measure the screen, the command line and the search,
// each with a baseline (Screen). They are run here so that one report has all
// figures, with the limits of some of them.
//
// Times are wall-clock times of one machine; CPU is what the kernel charged to a
// process (/proc/<pid>/stat, in ticks of 10 ms), memory its resident pages.
package bench
