// Package world runs the processes that the fault lab breaks: chatd, Redis,
// PostgreSQL, a provider that misbehaves on command, and a proxy on every edge
// between them, which can cut, delay or swallow data. It can set the wall clocks of
// processes.
//
// It knows neither the load nor the promises. It measures from the outside.
package world
