package chunklog

import (
	"sync"

	"chat"
)

// maxInbox is how many messages an inbox holds. When it is full it drops them, and its
// tail reads the list.
const maxInbox = 256

// inbox holds the messages for one tail. The subscriber fills it, the tail empties it.
type inbox struct {
	wake chan struct{}
	at   int // index in its channel's inboxes; guarded by the subscriber's lock

	mu    sync.Mutex
	queue []chat.EncodedChunk
	// reread: messages may have been missed, so the tail must read the list.
	// confirmed: the subscription is in force.
	// recheck: an event concerned the task, so its state must be read.
	reread, confirmed, recheck bool
}

// put adds a chunk, or drops all if the inbox is full.
func (in *inbox) put(c chat.EncodedChunk) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) >= maxInbox {
		in.queue, in.reread = nil, true
	} else {
		in.queue = append(in.queue, c)
	}
	in.signal()
}

// drop drops all messages, because one could not be read.
func (in *inbox) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue, in.reread = nil, true
	in.signal()
}

// confirm records that the subscription is in force. What was published before is in
// the list, what comes now comes to the inbox.
func (in *inbox) confirm() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.confirmed {
		in.confirmed, in.reread = true, true
		in.signal()
	}
}

// markUnconfirmed records that messages may be missed until the next confirmation.
func (in *inbox) markUnconfirmed() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.confirmed, in.reread = false, true
	in.signal()
}

func (in *inbox) isConfirmed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.confirmed
}

// requestRecheck records that the task's state must be read.
func (in *inbox) requestRecheck() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.recheck = true
	in.signal()
}

// takeRecheck reports whether the task's state must be read, and resets that.
func (in *inbox) takeRecheck() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	recheck := in.recheck
	in.recheck = false
	return recheck
}

// take empties the inbox. spare becomes its next queue.
func (in *inbox) take(spare []chat.EncodedChunk) (queue []chat.EncodedChunk, reread bool) {
	clear(spare) // releases the texts
	in.mu.Lock()
	defer in.mu.Unlock()
	queue, reread = in.queue, in.reread
	in.queue, in.reread = spare[:0], false
	return queue, reread
}

// putBack returns messages to the front of the inbox: they may be newer than what was
// read from the list.
func (in *inbox) putBack(queue []chat.EncodedChunk) {
	if len(queue) == 0 {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue = append(queue, in.queue...)
	in.signal()
}

// signal wakes the tail.
func (in *inbox) signal() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}
