// Package records measures how the time of a query grows with the number of messages in
// the database. It fills a small and a large database with the same shapes and then runs
// each operation on both in turn, so that what else happens on the machine disturbs both.
//
// Owners have very different shares: the first has a tenth of everything, and a thousand
// others share the rest. Conversations have 2 to 400 messages, most of them few. Texts are
// words of a vocabulary whose frequencies follow Zipf's law.
package records
