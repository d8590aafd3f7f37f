package client

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"chat"
)

func TestFollowFindsAServerThatMoved(t *testing.T) {
	a := answer()
	first := httptest.NewServer(&liar{t: t, script: []http.HandlerFunc{sends(frames(t, a[:3]...), true)}})
	second := httptest.NewServer(&liar{t: t, log: a})
	defer second.Close()
	asked := 0
	resolve := func(context.Context) (Endpoint, error) {
		asked++
		switch asked {
		case 1:
			return Endpoint{Network: "tcp", Address: first.Listener.Addr().String()}, nil
		case 2:
			first.Close()
			return Endpoint{}, chat.Retryable(chat.Errorf(chat.CodeDaemon, "the daemon is starting"))
		}
		return Endpoint{Network: "tcp", Address: second.Listener.Addr().String()}, nil
	}
	c := New(resolve, Options{BackoffBase: time.Millisecond, BackoffCap: 2 * time.Millisecond})
	defer c.Close()
	var got []chat.Chunk
	for u, err := range c.Follow(t.Context(), "t1", chat.Start()) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Chunk != nil {
			got = append(got, *u.Chunk)
		}
	}
	sameChunks(t, got, a)
}

func TestFollowGivesUpWhenTheServerCannotBeFound(t *testing.T) {
	c := New(func(context.Context) (Endpoint, error) {
		return Endpoint{}, chat.Errorf(chat.CodeDaemon, "no daemon")
	}, Options{})
	for _, err := range c.Follow(t.Context(), "t1", chat.Start()) {
		if !chat.IsCode(err, chat.CodeDaemon) {
			t.Fatalf("error %v", err)
		}
	}
}
