package chunklog

import (
	"context"
	"crypto/rand"
	"errors"
)

// errNotHeard: what was published did not come back.
var errNotHeard = errors.New("what is published does not come back by the subscription")

// Echo publishes a message and waits until it has come back, as the chunks of a stream
// must. The error is what Redis has against it.
func (l *Log) Echo(ctx context.Context) error {
	h, token, heard := l.hub, rand.Text(), make(chan struct{})
	if err := h.await(ctx); err != nil {
		return err
	}
	h.mu.Lock()
	h.echoes[token] = heard
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.echoes, token)
	}()
	if err := l.rdb.Publish(ctx, h.self, token).Err(); err != nil {
		return err
	}
	select {
	case <-heard:
		return nil
	case <-ctx.Done():
		return errNotHeard
	}
}

// await waits until the subscription stands, or cannot.
func (h *hub) await(ctx context.Context) error {
	for {
		h.mu.Lock()
		stands, broken, changed := h.stands, h.broken, h.changed
		h.mu.Unlock()
		if stands || broken != nil {
			return broken
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errNotHeard
		}
	}
}

func (h *hub) hear(token string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if heard := h.echoes[token]; heard != nil {
		delete(h.echoes, token)
		close(heard)
	}
}

// stand takes note that the subscription is in force. The lock is held.
func (h *hub) stand() {
	if h.broken != nil {
		h.opts.Logger.Info("chunk log: the subscription is back")
	}
	h.stands, h.broken = true, nil
	h.change()
}

// broke takes note that it is not, and logs why, unless that is known.
func (h *hub) broke(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken == nil || h.broken.Error() != err.Error() {
		h.opts.Logger.Warn("chunk log: the subscription was lost; followers read the list meanwhile",
			"channels", h.opts.Names.Channels(), "err", err)
	}
	h.stands, h.broken = false, err
	h.change()
}

func (h *hub) change() {
	close(h.changed)
	h.changed = make(chan struct{})
}
