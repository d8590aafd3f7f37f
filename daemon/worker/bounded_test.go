package worker_test

import (
	"context"
	"testing"

	"chat"
	"chat/daemon/worker"
)

// bounded is a store that no call may wait for without an end.
type bounded struct {
	worker.Store
	t *testing.T
}

func mustEnd(ctx context.Context, t *testing.T, call string) {
	if _, ok := ctx.Deadline(); !ok {
		t.Errorf("%s: nothing bounds the wait for the database", call)
	}
}

func (s bounded) Claim(ctx context.Context, w string, n int, backgroundFirst bool) ([]chat.Claim, error) {
	mustEnd(ctx, s.t, "Claim")
	return s.Store.Claim(ctx, w, n, backgroundFirst)
}

func (s bounded) Renew(ctx context.Context, w string, taskIDs []string) ([]chat.Lease, error) {
	mustEnd(ctx, s.t, "Renew")
	return s.Store.Renew(ctx, w, taskIDs)
}

func (s bounded) Thread(ctx context.Context, taskID string) (chat.Thread, error) {
	mustEnd(ctx, s.t, "Thread")
	return s.Store.Thread(ctx, taskID)
}

func (s bounded) EnqueueTitle(ctx context.Context, owner string, k chat.KindTask) (string, bool, error) {
	mustEnd(ctx, s.t, "EnqueueTitle")
	return s.Store.EnqueueTitle(ctx, owner, k)
}

func (s bounded) Beginning(ctx context.Context, taskID string) (chat.Parts, error) {
	mustEnd(ctx, s.t, "Beginning")
	return s.Store.Beginning(ctx, taskID)
}

func (s bounded) Attachment(ctx context.Context, owner, digest string) (chat.Attachment, error) {
	mustEnd(ctx, s.t, "Attachment")
	return s.Store.Attachment(ctx, owner, digest)
}

func (s bounded) Partial(ctx context.Context, taskID string) (chat.Answer, error) {
	mustEnd(ctx, s.t, "Partial")
	return s.Store.Partial(ctx, taskID)
}

func (s bounded) SetUpstream(ctx context.Context, taskID string, attempt int, upstream string) error {
	mustEnd(ctx, s.t, "SetUpstream")
	return s.Store.SetUpstream(ctx, taskID, attempt, upstream)
}

func (s bounded) Finish(ctx context.Context, r chat.Result) error {
	mustEnd(ctx, s.t, "Finish")
	return s.Store.Finish(ctx, r)
}

func (s bounded) Release(ctx context.Context, h chat.Release) error {
	mustEnd(ctx, s.t, "Release")
	return s.Store.Release(ctx, h)
}

func (s bounded) Heartbeat(ctx context.Context, w chat.Worker) error {
	mustEnd(ctx, s.t, "Heartbeat")
	return s.Store.Heartbeat(ctx, w)
}

func (s bounded) RemoveWorker(ctx context.Context, id string) error {
	mustEnd(ctx, s.t, "RemoveWorker")
	return s.Store.RemoveWorker(ctx, id)
}

// boundedSweeps is the same for a sweeper.
type boundedSweeps struct {
	worker.SweepStore
	t *testing.T
}

func (s boundedSweeps) Sweep(ctx context.Context) (requeued, spent []chat.Task, err error) {
	mustEnd(ctx, s.t, "Sweep")
	return s.SweepStore.Sweep(ctx)
}

func (s boundedSweeps) EndExpired(ctx context.Context, r chat.Result) error {
	mustEnd(ctx, s.t, "EndExpired")
	return s.SweepStore.EndExpired(ctx, r)
}

func (s boundedSweeps) Queued(ctx context.Context, n int) ([]chat.Task, error) {
	mustEnd(ctx, s.t, "Queued")
	return s.SweepStore.Queued(ctx, n)
}
