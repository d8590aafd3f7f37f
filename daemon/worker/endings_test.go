package worker_test

import (
	"time"

	"chat"
	"chat/daemon/worker"
)

// endings are the ways in which a worker can end in the middle of a task.
func endings() map[string]func(*harness, chat.Accepted, *runningWorker) {
	return map[string]func(*harness, chat.Accepted, *runningWorker){
		"its lease expires": func(h *harness, acc chat.Accepted, _ *runningWorker) {
			h.expire(func() bool { t := h.task(acc); return t.State == chat.TaskQueued || t.Attempt > 1 })
		},
		"it is shut down": func(_ *harness, _ chat.Accepted, w *runningWorker) { w.stop() },
		"it is killed":    func(_ *harness, _ chat.Accepted, w *runningWorker) { w.kill() },
	}
}

// oldWorker starts the worker that ends: it renews no lease, and does not wait for its answers.
func (h *harness) oldWorker() *runningWorker {
	h.Helper()
	return h.work(workerOptions{id: "old", opts: worker.Options{Concurrency: 1, Renewal: time.Minute, Lease: 10 * time.Minute, Drain: time.Millisecond}})
}
