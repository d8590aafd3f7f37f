package worker_test

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"strings"
	"testing"

	"chat"
	"chat/daemon/model"
	"chat/daemon/model/modeltest"
	"chat/daemon/worker"
)

// defect is a model that panics after three tokens of the first attempts at
// messages that ask for it.
type defect struct {
	*models
	attempts int
}

func (d defect) Stream(ctx context.Context, t chat.Task, req model.Request) iter.Seq2[model.Event, error] {
	good := d.models.Stream(ctx, t, req)
	if !strings.Contains(req.Messages[len(req.Messages)-1].Content, "tag=boom") || t.Attempt > d.attempts {
		return good
	}
	return func(yield func(model.Event, error) bool) {
		tokens := 0
		for delta, err := range good {
			if tokens++; tokens > 3 {
				panic("an inner secret")
			}
			if !yield(delta, err) {
				return
			}
		}
	}
}

func TestAPanicIsAFailedAttemptAndNothingMore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		panics  int
		state   chat.TaskState
		attempt int
	}{
		"of the first attempt": {1, chat.TaskDone, 2},
		"of every attempt":     {chat.MaxAttempts, chat.TaskInterrupted, chat.MaxAttempts},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, setup{})
			var log bytes.Buffer
			w := h.work(workerOptions{model: defect{h.models, tc.panics}, opts: worker.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}})
			beside := h.submit("lie: chunks=20 gate")
			h.provider.Step(5)
			h.logged(beside, modeltest.Answer(1, 5))
			acc := h.submit("lie: chunks=10 tag=boom")
			task, m := h.ended(acc)
			if task.State != tc.state || task.Attempt != tc.attempt {
				t.Errorf("the task is %s after %d attempts (%v)", task.State, task.Attempt, task.Error)
			}
			if tc.state == chat.TaskInterrupted && (m.Content == "" || task.Error == nil || task.Error.Code != chat.CodeInternal || strings.Contains(task.Error.Message, "an inner secret")) {
				t.Errorf("kept %q, error %v", m.Content, task.Error)
			}
			h.eventually("its slot is free", func() bool { return w.Running() == 1 })
			h.provider.Step(15)
			if task, _ := h.endedAs(beside, chat.TaskDone, modeltest.Answer(1, 20)); task.Attempt != 1 {
				t.Errorf("the answer beside it took %d attempts", task.Attempt)
			}
			w.stop()
			if n := strings.Count(log.String(), "an attempt panicked"); n != tc.panics || !strings.Contains(log.String(), "panic_test.go") {
				t.Errorf("%d panics in the log, with their place: %s", n, log.String())
			}
		})
	}
}
