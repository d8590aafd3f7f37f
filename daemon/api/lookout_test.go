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
	woken := false
	_, err := look.during(t.Context(), func(ctx context.Context) ([]chat.EncodedChunk, error) {
		woken = ctx.Err() != nil
		return nil, nil
	})
	if err != nil || !woken {
		t.Fatalf("woken %v, %v", woken, err)
	}
	if _, err := look.result(); !errors.Is(err, chat.ErrFenced) {
		t.Fatal(err)
	}
}
