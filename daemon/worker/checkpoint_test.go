package worker_test

import (
	"testing"
	"time"

	"chat"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

func TestAnAnswerIsSavedOnItsWay(t *testing.T) {
	t.Parallel()
	h := newHarness(t, setup{script: func(int) string { return "lie:chunks=100000,gate" }})
	h.work(workerOptions{opts: worker.Options{Checkpoint: time.Millisecond}})
	acc := h.submit("hello")
	want := modeltest.Answer(1, 20)
	for step := 1; ; step++ { // a checkpoint goes with a token, and one may be under way
		h.provider.Step(1)
		if saved, err := h.store.Partial(t.Context(), acc.TaskID); err != nil {
			t.Fatal(err)
		} else if len(saved.Parts.Text()) >= len(want) && saved.Parts.Text()[:len(want)] == want {
			break
		} else if step > 99_000 {
			t.Fatalf("after %d tokens %q is saved", step, saved.Parts.Text())
		}
		h.calls("the token is sent", func(c []modeltest.Call) bool { return len(c) > 0 && c[0].Tokens >= step })
	}
	if task := h.task(acc); task.State != chat.TaskRunning {
		t.Errorf("the task is %s", task.State)
	}
}
