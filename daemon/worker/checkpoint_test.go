package worker_test

import (
	"testing"
	"time"

	"chat"
	"chat/daemon/provider/providertest"
	"chat/daemon/worker"
)

func TestAnAnswerIsSavedOnItsWay(t *testing.T) {
	t.Parallel()
	l := newLab(t, setup{script: func(int) string { return "lie:chunks=1000,gate" }})
	l.work(on{opts: worker.Options{Checkpoint: time.Millisecond}})
	acc := l.submit("hello")
	want := providertest.Answer(1, 20)
	for step := 1; ; step++ { // a checkpoint goes with a token, and one may be under way
		l.provider.Step(1)
		if saved, err := l.store.Partial(t.Context(), acc.TaskID); err != nil {
			t.Fatal(err)
		} else if len(saved.Parts.Text()) >= len(want) && saved.Parts.Text()[:len(want)] == want {
			break
		} else if step > 900 {
			t.Fatalf("after %d tokens %q is saved", step, saved.Parts.Text())
		}
		l.calls("the token is sent", func(c []providertest.Call) bool { return len(c) > 0 && c[0].Tokens >= step })
	}
	if task := l.task(acc); task.State != chat.TaskRunning {
		t.Errorf("the task is %s", task.State)
	}
}
