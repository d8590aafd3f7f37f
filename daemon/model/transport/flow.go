package transport

import "time"

// FlowControl slows down reading from providers while the rest of the process cannot
// keep up. Text that is not read stays with its provider, and arrives in larger pieces.
//
// A Body asks it before each read of a response. The chunk log implements it,
// because it knows how long writers wait for Redis; the daemon connects the two.
type FlowControl interface {
	// ReadDelay returns how long to wait before the next read, 0 for not at all. It is
	// called often, by many goroutines.
	ReadDelay() time.Duration
}
