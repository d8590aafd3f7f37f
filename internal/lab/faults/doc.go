// Package faults is the table of the faults of the fault lab.
//
// A Row is one fault, or a few that belong together. It has a name, the profiles
// that it applies to, and a function that breaks something in a World and repairs
// it. To add a row, write the function in the file of its area, or in a new file,
// and list the row in the area's list, which Rows concatenates. All randomness of a
// row comes from World.Chance, so that a seed repeats it.
package faults
