// Package load sends messages to a world while it breaks, and follows the answers
// with three kinds of clients: one that reads raw server-sent events, one that
// keeps leaving, after or inside any event, and the client of chat itself. Some rows
// add clients of the other wire formats, which come back as unmodified ones do.
package load
