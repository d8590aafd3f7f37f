// Package drafting keeps what is written in the open conversation on disk, and
// brings it back when the conversation is opened again.
package drafting

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat/tui/drafts"
	"chat/tui/jobs"
)

// Keeper keeps the unsent text of the open conversation.
type Keeper struct {
	// Store is where the drafts are.
	Store *drafts.Store

	jobs *jobs.Runner

	fresh    string            // the key of new conversations, once it is claimed
	left     map[string]string // the input of conversations where messages wait
	early    map[int]early     // by session
	late     map[string]string // what LoadedLate has added to drafts that are being read
	ready    bool              // the draft of the open conversation has been read
	kept     string            // the last text that the store was given
	flushing bool              // a flush is due
	failed   bool              // the last flush failed, and the user knows
}

// early is a text that was written in a session before its draft was read.
type early struct{ conversation, text string }

type (
	// LoadedMsg is the draft of a conversation.
	LoadedMsg struct {
		Session int
		key     string
		fresh   bool // it is the key of new conversations
		text    string
		Err     error
	}
	// FlushedMsg is the result of writing drafts to disk.
	FlushedMsg struct{ err error }
)

// retryPause is the pause before a draft that could not be written is written again.
const retryPause = 5 * time.Second

// New returns a Keeper for the drafts in store.
func New(j *jobs.Runner, store *drafts.Store) *Keeper {
	return &Keeper{jobs: j, Store: store, left: map[string]string{}, early: map[int]early{}, late: map[string]string{}}
}

// Close writes what is pending and releases the store.
func (k *Keeper) Close() error { return k.Store.Close() }

// Ready reports whether the draft of the open conversation has been read.
func (k *Keeper) Ready() bool { return k.ready }

// Key is the key of a conversation in the store, "" for none.
func (k *Keeper) Key(conversation string) string {
	if conversation != "" {
		return conversation
	}
	return k.fresh
}

// Leave ends the writing in a conversation. text is everything that is unsent
// there, and input the part in the input if messages wait besides.
func (k *Keeper) Leave(session int, conversation, text, input string, waiting bool) {
	if conversation != "" && waiting {
		k.left[conversation] = input
	}
	if k.ready {
		k.Store.Put(k.Key(conversation), text)
	} else if text != "" {
		k.early[session] = early{conversation, text}
	}
	k.ready, k.kept = false, ""
}

// Load reads the draft of a conversation.
func (k *Keeper) Load(session int, conversation string) tea.Cmd {
	store := k.Store
	delete(k.late, conversation)
	return k.jobs.Command(func(context.Context) tea.Msg {
		msg := LoadedMsg{Session: session, key: conversation, fresh: conversation == ""}
		if msg.fresh {
			msg.key, msg.Err = store.Claim()
		}
		if msg.Err == nil {
			msg.text, msg.Err = store.Get(msg.key)
		}
		return msg
	})
}

// LoadedLate keeps the text of a session that has ended before its draft was read.
func (k *Keeper) LoadedLate(msg LoadedMsg) {
	if msg.fresh {
		k.fresh = msg.key
	}
	e, ok := k.early[msg.Session]
	delete(k.early, msg.Session)
	switch {
	case ok && msg.fresh && e.conversation != "": // it has got its id since
		k.putLate(e.conversation, e.text)
	case ok:
		k.putLate(msg.key, msg.text+e.text)
	}
}

// putLate changes a draft that may just have been read for a session that is open now.
func (k *Keeper) putLate(key, text string) {
	k.Store.Put(key, text)
	k.late[key] = text
}

// addEarly adds to a draft that was read what other sessions of its conversation have before
// theirs is read.
func (k *Keeper) addEarly(key, text string) string {
	if late, ok := k.late[key]; ok {
		text = late
		delete(k.late, key)
	}
	for session, e := range k.early {
		if k.Key(e.conversation) == key {
			text += e.text
			k.Store.Put(key, text)
			delete(k.early, session)
		}
	}
	return text
}

// Loaded returns the text that belongs before the input of the open conversation.
// A restored text is news to the user: it was not just left in this screen.
func (k *Keeper) Loaded(msg LoadedMsg, conversation string) (text string, found, restored bool) {
	if msg.fresh {
		k.fresh = msg.key
	}
	msg.text = k.addEarly(msg.key, msg.text)
	k.ready, k.kept = true, msg.text
	if msg.key != k.Key(conversation) { // the new conversation has got its id meanwhile
		k.Store.Put(msg.key, "")
		k.kept = ""
	}
	if left, ok := k.left[conversation]; ok {
		delete(k.left, conversation)
		return left, true, false
	}
	return msg.text, msg.text != "", msg.text != ""
}

// Keep gives the store the unsent text of the open conversation. The store writes
// it soon.
func (k *Keeper) Keep(conversation, text string) tea.Cmd {
	if !k.ready || text == k.kept {
		return nil
	}
	k.kept = text
	if !k.Store.Put(k.Key(conversation), text) {
		return nil
	}
	return k.flushAfter(drafts.Pause)
}

// KeepLeft changes the draft of a conversation that is not open: waiting is what
// still waits there.
func (k *Keeper) KeepLeft(conversation, waiting string) tea.Cmd {
	k.Store.Put(conversation, Join(waiting, k.left[conversation]))
	return k.flushAfter(0)
}

// ReturnLeft puts messages that wait no more into the input that was left in a
// conversation.
func (k *Keeper) ReturnLeft(conversation, dropped string) {
	k.left[conversation] = Join(dropped, k.left[conversation])
}

// Delete removes the draft of a deleted conversation.
func (k *Keeper) Delete(conversation string) tea.Cmd {
	k.Store.Put(conversation, "")
	return k.flushAfter(0)
}

// Move says that the new conversation has got its id: what is unsent belongs to
// that from now on.
func (k *Keeper) Move() {
	k.Store.Put(k.fresh, "")
	k.kept = ""
}

func (k *Keeper) flushAfter(pause time.Duration) tea.Cmd {
	if k.flushing {
		return nil
	}
	k.flushing = true
	store := k.Store
	return k.jobs.Command(func(ctx context.Context) tea.Msg {
		jobs.Pause(ctx, pause)
		return FlushedMsg{store.Flush()}
	})
}

// Flushed ends a flush. The first of several failures is returned for the user;
// all are tried again.
func (k *Keeper) Flushed(msg FlushedMsg) (tea.Cmd, error) {
	k.flushing = false
	if msg.err == nil {
		k.failed = false
		return nil, nil
	}
	known := k.failed
	k.failed = true
	if known {
		return k.flushAfter(retryPause), nil
	}
	return k.flushAfter(retryPause), msg.err
}

// Join puts one draft after another.
func Join(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + "\n\n" + second
}
