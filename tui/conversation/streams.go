package conversation

import (
	"context"
	"iter"
	"slices"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"chat"
	"chat/tui/follow"
	"chat/tui/transcript"
)

// BatchesMsg is what the streams have yielded since the last frame.
type BatchesMsg []follow.Batch

// Event is what a batch means for the rest of the screen. Batches that only hold
// text cause none.
type Event struct {
	Stream int
	Conn   *chat.ConnState     // the connection of the stream has changed
	Ended  *transcript.Message // the answer whose stream has ended
	Err    error               // why the stream failed, if it did
}

// Next waits for the next batches. One such command runs at a time.
func (v *View) Next() tea.Cmd {
	hub := v.hub
	return v.jobs.Command(func(ctx context.Context) tea.Msg {
		return BatchesMsg(hub.Next(ctx))
	})
}

// Drawn says how long the last batches took to draw.
func (v *View) Drawn(d time.Duration) { v.hub.Cost(d) }

// Apply adds batches to their messages.
func (v *View) Apply(batches BatchesMsg) []Event {
	var events []Event
	for _, b := range batches {
		item := v.streams[b.ID]
		if item == nil {
			continue // of a conversation that is no longer open
		}
		ended := b.Ended
		for _, c := range b.Chunks {
			item.Apply(c)
			ended = ended || c.Terminal()
		}
		e := Event{Stream: b.ID, Conn: b.Conn}
		if ended {
			e.Ended, e.Err = item, b.Err
			delete(v.streams, b.ID)
			if item.Running() { // no terminal chunk: the stream itself has failed
				item.Fail(streamFailure(b.Err))
			}
		}
		if e.Conn != nil || ended {
			events = append(events, e)
		}
	}
	return events
}

// follow attaches a message to the stream of its task.
func (v *View) follow(item *transcript.Message) tea.Cmd {
	v.started++
	id, taskID := v.started, item.TaskID
	v.streams[id] = item
	hub, backend := v.hub, v.backend
	return v.jobs.Command(func(ctx context.Context) tea.Msg {
		hub.Run(ctx, id, func(ctx context.Context) iter.Seq2[chat.FollowEvent, error] {
			return backend.Follow(ctx, taskID, chat.Start())
		})
		return nil
	})
}

func (v *View) following(messageID string) bool {
	for _, item := range v.streams {
		if item.ID == messageID {
			return true
		}
	}
	return false
}

// Busy is the answer of this conversation that is being made, or nil; of several,
// the last one shown. One on another branch counts too, since the server makes
// one at a time.
func (v *View) Busy() *transcript.Message {
	var found *transcript.Message
	at := -1
	for _, item := range v.streams {
		if !item.Running() {
			continue
		}
		if i := slices.Index(v.shown, item); found == nil || i > at {
			found, at = item, i
		}
	}
	return found
}

// Following reports whether streams are followed.
func (v *View) Following() bool { return len(v.streams) > 0 }

// LastStream is the stream that began last.
func (v *View) LastStream() int { return v.started }

// SetStatus shows the state of the running tasks, which a silent stream does not
// report: why an attempt failed and when the next one begins.
func (v *View) SetStatus(running []chat.Task) {
	for _, t := range running {
		for _, item := range v.streams {
			if item.ID == t.MessageID {
				item.SetStatus(t)
			}
		}
	}
}

// SetStopping shows whether a task is being stopped.
func (v *View) SetStopping(taskID string, stopping bool) {
	for _, item := range v.shown {
		if item.TaskID == taskID {
			item.Stopping = stopping
		}
	}
}

// RunningTasks are the tasks of the answers that are being made here.
func (v *View) RunningTasks() []string {
	var ids []string
	for _, item := range v.items {
		if item.Running() && item.TaskID != "" {
			ids = append(ids, item.TaskID)
		}
	}
	return ids
}
