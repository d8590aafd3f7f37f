package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chat/internal/lab/history"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// backToNormal sends a message and waits for its first token. That may take five
// seconds.
func (w *World) backToNormal(ctx context.Context, what string) error {
	s := w.sender()
	defer s.Close()
	began := time.Now()
	a := &history.Ask{Mark: "probe" + world.UniqueName(), Chain: &history.Chain{}}
	a.Key, a.Content = a.Mark, "lie: chunks=5 mark="+a.Mark+"\n"
	c := world.Seeded(w.Chance.Uint64(), 9)
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("no token after 30 s"))
	defer cancel()
	if err := s.Converse(ctx, a, c); err != nil {
		return err
	}
	for a.Accepted == nil {
		s.Post(ctx, a, c.IntN(len(w.API)), 0)
		if err := world.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	for {
		conn := s.Open(ctx, a.Accepted.TaskID, c.IntN(len(w.API)), "", load.Leave{Events: 1})
		if len(conn.Frames) > 0 {
			break
		}
		if err := world.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	took := time.Since(began)
	w.History.Note(what + " back → the first token of a new message took " + took.Round(time.Millisecond).String())
	if took > 5*time.Second+time.Second+w.Slack { // a second for a busy machine
		return fmt.Errorf("%s was back, and a new message got its first token after %s", what, took)
	}
	return nil
}
