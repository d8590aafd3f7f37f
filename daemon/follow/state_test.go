package follow

import (
	"context"
	"errors"
	"testing"
	"time"

	"chat"
)

func TestAReadEndsBeforeItsStreamWaits(t *testing.T) {
	t.Parallel()
	state := &stateCheck{every: time.Minute, readAt: time.Now(), results: make(chan taskState, 1)}
	state.start(true, func() taskState { return taskState{err: chat.ErrFenced} })
	state.work.Wait() // as with the result of another stream
	tail := &wakeRecorder{}
	if _, err := state.next(t.Context(), tail, time.Minute); err != nil || !tail.woken {
		t.Fatalf("woken %v, %v", tail.woken, err)
	}
	if _, err := state.result(); !errors.Is(err, chat.ErrFenced) {
		t.Fatal(err)
	}
}

// wakeRecorder is a tail that records whether its context had ended before Next.
type wakeRecorder struct{ woken bool }

func (w *wakeRecorder) Next(ctx context.Context, _ time.Duration) ([]chat.EncodedChunk, error) {
	w.woken = ctx.Err() != nil
	return nil, nil
}
func (*wakeRecorder) Position() chat.Position { return chat.Start() }
func (*wakeRecorder) Close()                  {}
