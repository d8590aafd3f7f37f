package chunklog

import "errors"

// listState is what a writer knows about its list in Redis. The list should equal
// Writer.entries[:Writer.confirmed].
//
//	unchecked ──nothing found──► synced ───append failed───► unknown
//	    │                         │  ▲  ▲                     │  │
//	    │            wrong length │  │  └───length as expected──┘  │
//	    │                         ▼  │ written again              │
//	    └──────entries found────► lost ◄───────wrong length───────┘
//
//	any state ──a newer attempt owns the stream──► stale
//
// An attempt to read the list or its length that fails changes nothing. stale is final.
type listState uint8

const (
	// unchecked: the first attempt has not checked yet whether a list exists.
	unchecked listState = iota
	// synced: the list is as expected; the next step appends.
	synced
	// unknown: an append failed and may have been applied; the length tells.
	unknown
	// lost: the list is not as expected; the next step writes it again.
	lost
	// stale: a newer attempt owns the stream; there is no next step.
	stale
)

// afterCheck returns the state after the check whether a list exists.
func (listState) afterCheck(found bool) listState {
	if found {
		return lost
	}
	return synced
}

// afterStep returns the state after a step with this outcome: an append to a synced
// list, or a rewrite of a lost one.
func (s listState) afterStep(err error) listState {
	switch {
	case err == nil:
		return synced
	case errors.Is(err, ErrStale):
		return stale
	case s == synced && !errors.Is(err, errMismatch):
		return unknown
	}
	return lost
}

// afterLength returns the state after the length of an unknown list was read. err is
// nil, ErrStale or errMismatch.
func (listState) afterLength(asExpected bool, err error) listState {
	switch {
	case errors.Is(err, ErrStale):
		return stale
	case err == nil && asExpected:
		return synced
	}
	return lost
}
