package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"chat"
	"chat/sse"
)

// stalling is a server whose stream says one word and then nothing, while the
// task stands as it is told. Once the word is out, a signal comes to us.
type stalling struct {
	fake
	state  chat.TaskState
	signal syscall.Signal
}

func (s *stalling) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/tasks" && r.URL.Query().Get("id") != "":
		_, _ = w.Write([]byte(`{"tasks":[{"id":"00000000-0000-0000-0000-0000000000aa","state":"running","conversation_id":"c1"}]}`))
	case strings.HasPrefix(r.URL.Path, "/tasks/"):
		_, _ = w.Write([]byte(`{"id":"00000000-0000-0000-0000-0000000000aa","state":"` + string(s.state) + `","conversation_id":"c1"}`))
	case strings.HasPrefix(r.URL.Path, "/stream/"):
		w.Header().Set("Content-Type", sse.ContentType)
		b, err := sse.AppendChunk(nil, chat.Chunk{Attempt: 1, Type: chat.ChunkContent, Content: "word"})
		if err != nil {
			s.t.Error(err)
		}
		_, _ = w.Write(b)
		if err := http.NewResponseController(w).Flush(); err != nil {
			s.t.Error(err)
		}
		if err := syscall.Kill(os.Getpid(), s.signal); err != nil {
			s.t.Error(err)
		}
		<-r.Context().Done()
	default:
		s.fake.ServeHTTP(w, r)
	}
}

func TestLeavingSaysHowTheAnswerStands(t *testing.T) {
	for state, want := range map[chat.TaskState]string{
		chat.TaskRunning:     "the answer continues: chat attach 000000aa",
		chat.TaskQueued:      "the answer continues: chat attach 000000aa",
		chat.TaskDone:        "the answer is complete: chat attach 000000aa shows it",
		chat.TaskCancelled:   "the answer has ended (cancelled): chat attach 000000aa shows it",
		chat.TaskInterrupted: "the answer has ended (interrupted): chat attach 000000aa shows it",
	} {
		for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
			s := &stalling{fake{t: t}, state, sig}
			got := start(t, s, devNull(t), "attach", "000000aa")
			if got.code != 128+int(sig) || got.stderr != "chat: "+want+"\n" {
				t.Errorf("%s, %s: %+v", state, sig, got)
			}
		}
	}
}
