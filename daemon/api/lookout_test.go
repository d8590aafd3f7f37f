package api

import (
	"context"
	"errors"
	"testing"
	"time"

	"chat"
)

func TestALookoutMayBeAnsweredBeforeItsStreamWaits(t *testing.T) {
	t.Parallel()
	look := &lookout{every: time.Minute, came: time.Now(), found: make(chan finding, 1)}
	look.start(true, func() finding { return finding{err: chat.ErrFenced} })
	look.work.Wait() // as when another follower has asked already
	tail := &wakes{}
	if _, err := look.during(t.Context(), tail, time.Minute); err != nil || !tail.woken {
		t.Fatalf("woken %v, %v", tail.woken, err)
	}
	if _, err := look.result(); !errors.Is(err, chat.ErrFenced) {
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
