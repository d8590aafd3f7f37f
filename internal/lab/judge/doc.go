// Package judge compares the history of a run with the promises of docs/reliability.md.
// Each rule has the letter of its promise. A row can suspend promises that its fault makes
// impossible to keep.
package judge
