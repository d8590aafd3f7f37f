package judge

import "time"

// Terms adapts the judgement to a row.
type Terms struct {
	Allow Allow
	// Clocks: wall clocks were set, so the database's times cannot be compared with ours.
	Clocks bool
	// Fault: something was broken, and not only loaded.
	Fault bool
	// Slack is added to every promised time.
	Slack time.Duration
}

// Allow lists the promises that a fault suspends, and why they do not hold under it.
type Allow struct {
	// Overlap: two calls for one task at the same time, because the worker of the first
	// was cut off from the database or paused, and does not know.
	Overlap bool
	// Repurchase: an answer received whole may be made again on the embedded
	// engine, whose lists die with the process; RepurchaseFull: on Redis, too,
	// because everything that held it was lost or unreachable at the same time.
	Repurchase, RepurchaseFull bool
	// Unfinished: tasks may end as failed or interrupted.
	Unfinished bool
	// LateCancel: a cancel may reach the provider later than after six seconds.
	LateCancel bool
	// LostCancel: a cancel that was accepted may be forgotten, because the database
	// has lost it.
	LostCancel bool
	// Panics: a panic in the log is what was asked for.
	Panics bool
	// Silence: streams may be silent for longer than a heartbeat. SlowFirst: they
	// may begin late, since the owner of the task cannot be read.
	Silence, SlowFirst bool
}
