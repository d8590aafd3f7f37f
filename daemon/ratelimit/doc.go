// Package ratelimit says when a request may be sent to a provider, so that no more of them are
// refused than it takes to learn its limits. A bucket belongs to one server, key and model, and
// is shared by all workers through Redis.
//
//	reading    what the headers of a response say
//	limit      one limit of requests or tokens, learnt from readings
//	bucket     all limits of a bucket: what was learnt, who waits, and whether a request may go
//	contact    the first requests to a provider of which nothing is known
//	limiter    the buckets of this process, and their copies in Redis
//
// A provider that never sends limits and never refuses costs one read of Redis at the first
// request, and one every few seconds while it is used.
package ratelimit
