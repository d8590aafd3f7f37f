package chunklog

import (
	"context"
	"encoding/json"

	"chat"
)

// Publish sends an event to every process.
func (l *Log) Publish(ctx context.Context, e chat.TaskEvent) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.Publish(ctx, l.opts.Names.Control(), data).Err()
}

// OnEvent registers handle for the events of all processes, this one included. It must
// not block.
func (l *Log) OnEvent(handle func(chat.TaskEvent)) {
	s := l.subscriber
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers = append(s.handlers[:len(s.handlers):len(s.handlers)], handle)
}

// handleEvent wakes the tails of the event's task, and calls all handlers.
func (s *subscriber) handleEvent(payload string) {
	var e chat.TaskEvent
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		s.opts.Logger.Warn("chunk log: an event is not valid JSON", "err", err)
		return
	}
	for _, handle := range s.recheckTails(e.TaskID) {
		handle(e)
	}
}

// recheckTails makes the tails of a task return, and returns the handlers of events.
func (s *subscriber) recheckTails(taskID string) []func(chat.TaskEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ch := s.channels[s.opts.Names.Channel(taskID)]; ch != nil {
		for _, in := range ch.inboxes {
			in.requestRecheck()
		}
	}
	return s.handlers
}
