// Package lab is the fault lab: it runs real processes under load, breaks
// things, mends them, waits until nothing happens any more, and judges the
// outcome by the promises of docs/reliability.md.
//
//	load → fault → mend → quiet → judge
//
// Each part is a package: world has the processes and the proxies between them,
// load has the clients, history is what was seen, judge has the promises, and
// faults is the table of rows. This package runs a row and reports the results.
//
// How to add a row: a fault is a faults.Row. Write a function that breaks
// something in a faults.World and mends it again, in one of the files of package
// faults or in a new one, and list the row in the area's list. A row may change
// the load, check what only it promises, and suspend promises that cannot hold
// under it. Everything random in a run comes from its seed.
package lab
