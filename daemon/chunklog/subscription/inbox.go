package subscription

import (
	"sync"

	"chat"
)

// maxInbox is how many messages an inbox holds. When it is full it drops them, and its
// tail reads the list.
const maxInbox = 256

// Inbox holds the messages for one tail. The subscription fills it, the tail empties it.
type Inbox struct {
	wake chan struct{}
	at   int // index in its channel's inboxes; guarded by the subscription's lock

	mu    sync.Mutex
	queue []chat.EncodedChunk
	// reread: messages may have been missed, so the tail must read the list.
	// confirmed: the subscription is in force.
	// recheck: an event concerned the task, so its state must be read.
	reread, confirmed, recheck bool
}

// put adds a chunk, or drops all if the inbox is full.
func (in *Inbox) put(c chat.EncodedChunk) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.queue) >= maxInbox {
		in.queue, in.reread = nil, true
	} else {
		in.queue = append(in.queue, c)
	}
	in.Signal()
}

// drop drops all messages, because one could not be read.
func (in *Inbox) drop() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue, in.reread = nil, true
	in.Signal()
}

// confirm records that the subscription is in force. What was published before is in
// the list, what comes now comes to the inbox.
func (in *Inbox) confirm() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.confirmed {
		in.confirmed, in.reread = true, true
		in.Signal()
	}
}

// markUnconfirmed records that messages may be missed until the next confirmation.
func (in *Inbox) markUnconfirmed() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.confirmed, in.reread = false, true
	in.Signal()
}

// IsConfirmed reports whether the subscription is in force.
func (in *Inbox) IsConfirmed() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.confirmed
}

// requestRecheck records that the task's state must be read.
func (in *Inbox) requestRecheck() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.recheck = true
	in.Signal()
}

// TakeRecheck reports whether the task's state must be read, and resets that.
func (in *Inbox) TakeRecheck() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	recheck := in.recheck
	in.recheck = false
	return recheck
}

// Take empties the inbox. spare becomes its next queue.
func (in *Inbox) Take(spare []chat.EncodedChunk) (queue []chat.EncodedChunk, reread bool) {
	clear(spare) // releases the texts
	in.mu.Lock()
	defer in.mu.Unlock()
	queue, reread = in.queue, in.reread
	in.queue, in.reread = spare[:0], false
	return queue, reread
}

// PutBack returns messages to the front of the inbox: they may be newer than what was
// read from the list.
func (in *Inbox) PutBack(queue []chat.EncodedChunk) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.queue = append(queue, in.queue...)
}

// Wake receives when there is something for the tail.
func (in *Inbox) Wake() <-chan struct{} { return in.wake }

// Signal wakes the tail.
func (in *Inbox) Signal() { signal(in.wake) }
