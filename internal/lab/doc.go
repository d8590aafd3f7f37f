// Package lab is the fault lab: it runs real processes under load, breaks
// things, heals them, waits until it is quiet, and judges what happened by the
// promises of docs/reliability.md.
//
//	load → faults → heal → quiet → judge
//
// A fault is a Row. Each has a name, the profiles it makes sense on, and a
// function that breaks something in a World and mends it again; what it needs is
// a few lines in one of the files rows_*.go, or in a new one: write the function
// and list the row in Rows. Everything random in a run comes from its seed.
//
// The world is made of processes: redis-server, PostgreSQL, API and worker
// instances of chatd; or one chatd on the embedded engines. Every edge between
// them has a proxy (see edges.go) that can cut it, delay it, or swallow what
// passes. The provider lies on command (package providertest), and its tokens
// name their task, call and place with a checksum. The clients are three for each
// task: one that reads raw server-sent events, one that keeps leaving, at any
// event and in the middle of one, and the client that chat itself uses.
//
// The judge reads what the clients saw, the database, Redis and the provider's
// record; each rule in judge_*.go carries the letter of its promise.
package lab
