package follow

import (
	"context"
	"errors"
	"testing"
	"time"

	"chat"
)

func TestAReadMayEndBeforeItsStreamWaits(t *testing.T) {
	t.Parallel()
	state := &stateCheck{every: time.Minute, came: time.Now(), found: make(chan taskState, 1)}
	state.start(true, func() taskState { return taskState{err: chat.ErrFenced} })
	state.work.Wait() // as when another reader has asked already
	tail := &wakes{}
	if _, err := state.next(t.Context(), tail, time.Minute); err != nil || !tail.woken {
		t.Fatalf("woken %v, %v", tail.woken, err)
	}
	if _, err := state.result(); !errors.Is(err, chat.ErrFenced) {
		t.Fatal(err)
	}
}

// wakes is a tail that takes down whether its wait was over before it began.
type wakes struct{ woken bool }

func (w *wakes) Next(ctx context.Context, _ time.Duration) ([]chat.EncodedChunk, error) {
	w.woken = ctx.Err() != nil
	return nil, nil
}
func (*wakes) Position() chat.Position { return chat.Start() }
func (*wakes) Close()                  {}
