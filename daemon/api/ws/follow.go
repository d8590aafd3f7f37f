package ws

import (
	"context"

	"chat"
)

// follow starts to send the chunks of a task after a position.
func (s *session) follow(ctx context.Context, in request) error {
	after, err := chat.ParsePosition(in.After)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	if err := s.addFollow(in.TaskID, &cancel); err != nil {
		cancel()
		return err
	}
	done := func() { s.endFollow(in.TaskID, &cancel) }
	stream, err := s.api.backend.Follow(s.request, in.TaskID, after)
	var release func()
	if err == nil {
		release, err = s.api.backend.Acquire()
	}
	if err != nil {
		done()
		return err
	}
	if stream.Complete() {
		release()
		done()
		return s.send(reply{Type: "complete", TaskID: in.TaskID})
	}
	s.Go(func() {
		defer release()
		defer done()
		if err := s.sendChunks(ctx, in.TaskID, stream.Chunks(ctx), done); err != nil && ctx.Err() == nil {
			_ = s.send(s.problem(request{TaskID: in.TaskID}, err)) // a client that is gone needs none
		}
	})
	return nil
}

// addFollow reserves one of the follows of the socket.
func (s *session) addFollow(taskID string, cancel *context.CancelFunc) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.follows[taskID] != nil:
		return chat.Errorf(chat.CodeConflict, "this socket follows the task already: unfollow it first")
	case len(s.follows) >= s.api.opts.MaxFollows:
		return chat.Errorf(chat.CodeTooMany, "a socket follows at most %d tasks: unfollow one, or open another socket", s.api.opts.MaxFollows)
	}
	s.follows[taskID] = cancel
	return nil
}

func (s *session) unfollow(taskID string) {
	s.mu.Lock()
	cancel := s.follows[taskID]
	s.mu.Unlock()
	if cancel != nil {
		s.endFollow(taskID, cancel)
	}
}

// endFollow ends one follow of a task, which may be followed again since.
func (s *session) endFollow(taskID string, cancel *context.CancelFunc) {
	(*cancel)()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.follows[taskID] == cancel {
		delete(s.follows, taskID)
	}
}

// sendChunks sends each chunk as {"type":"chunk","task_id":…,"id":<position>,"chunk":{…}}.
// It calls done before the terminal one.
func (s *session) sendChunks(ctx context.Context, taskID string, chunks func(func([]chat.EncodedChunk, error) bool), done func()) error {
	buf := make([]byte, 0, 256)
	for list, err := range chunks {
		if err != nil {
			return err
		}
		for _, c := range list {
			buf = append(buf[:0], `{"type":"chunk","task_id":"`...)
			buf = append(buf, taskID...)
			buf = append(buf, `","id":"`...)
			buf = c.Position().Append(buf)
			buf = append(buf, `","chunk":`...)
			buf = append(buf, c.JSON...)
			buf = append(buf, '}')
			if ctx.Err() != nil { // unfollowed
				return nil
			}
			if c.Terminal() { // a client that has it may follow again
				done()
			}
			if s.Write(buf) != nil {
				return nil // the socket ends
			}
		}
	}
	return nil
}
