package follow

import (
	"context"
	"testing"
	"time"

	"chat"
)

// endedStore has one task that is done. It counts reads of the answer, and fails the first
// failures of them.
type endedStore struct{ failures, answers int }

const taskID = "01900000-0000-7000-8000-000000000001"

func (s *endedStore) Task(context.Context, string, string) (chat.Task, error) {
	return chat.Task{ID: taskID, State: chat.TaskDone, Attempt: 1, ChunkCount: 3}, nil
}

func (s *endedStore) Answer(context.Context, string, string) (chat.Message, error) {
	s.answers++
	if s.answers <= s.failures {
		return chat.Message{}, chat.Errorf(chat.CodeUnavailable, "the database is away")
	}
	return chat.Message{Parts: chat.Parts{{Type: chat.PartText, Text: "the answer"}}}, nil
}

func (*endedStore) ChunkLog(context.Context, string, string) ([]byte, error) { return nil, nil }

// listLog has a fixed list of chunks.
type listLog []chat.EncodedChunk

func (listLog) Decode([]byte) ([]chat.EncodedChunk, error) { return nil, nil }

func (l listLog) Tail(string, chat.Position) Tail { return &listTail{list: l, at: chat.Start()} }

type listTail struct {
	list []chat.EncodedChunk
	at   chat.Position
}

func (t *listTail) Next(ctx context.Context, wait time.Duration) ([]chat.EncodedChunk, error) {
	list := t.list
	if t.list = nil; len(list) > 0 {
		t.at = list[len(list)-1].Position()
		return list, nil
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	<-ctx.Done()
	return nil, nil
}
func (t *listTail) Position() chat.Position { return t.at }
func (*listTail) Close()                    {}

func follow(t *testing.T, s Store, l Log) (texts string) {
	t.Helper()
	source := New(t.Context(), s, l, Options{Refresh: time.Millisecond})
	stream, err := source.Open(t.Context(), "ada", taskID, chat.Start())
	if err != nil {
		t.Fatal(err)
	}
	for chunks, err := range stream.Chunks(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range chunks {
			c, err := e.Decode()
			if err != nil {
				t.Fatal(err)
			}
			texts += c.Content
			if c.Terminal() {
				texts += "."
			}
		}
	}
	return texts
}

func TestAnAnswerInTheLogIsNotReadFromSQL(t *testing.T) {
	t.Parallel()
	var l listLog
	for _, c := range []chat.Chunk{
		{Type: chat.ChunkContent, Content: "the ", Attempt: 1},
		{Type: chat.ChunkContent, Content: "log", Attempt: 1, Index: 1},
		{Type: chat.ChunkDone, Attempt: 1, Index: 2},
	} {
		e, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		l = append(l, e)
	}
	s := &endedStore{}
	if got := follow(t, s, l); got != "the log." || s.answers != 0 {
		t.Errorf("%q, and %d reads of the answer", got, s.answers)
	}
}

func TestAnAnswerThatSQLCannotReadYetIsReadLater(t *testing.T) {
	t.Parallel()
	s := &endedStore{failures: 2}
	if got := follow(t, s, listLog{}); got != "the answer." || s.answers != 3 {
		t.Errorf("%q after %d reads", got, s.answers)
	}
}
