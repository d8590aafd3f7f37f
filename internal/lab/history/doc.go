// Package history stores the observations of a run of the fault lab: each message
// with its posts and its followers, and, after the load, the contents of the
// database, of Redis, of the provider and of the log. It judges nothing.
package history
