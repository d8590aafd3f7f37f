// Package transport is what the dialects of providers share between a request and its answer: a
// Server and its key, the limits of the phases of a call, the body of a response as events, and
// the errors of all of it in a user's words. A dialect builds the request and reads the events.
//
//	server, client  a server with its key; what providers share
//	call            one answer; requests are repeated without what was refused
//	exchange, body  one request and its response; a cut is never taken for an end
//	watch, limits   the phases of a call
//	connect         errors without a response
//	failure         errors with one
//	models          the list of models, and the check of the key
package transport
