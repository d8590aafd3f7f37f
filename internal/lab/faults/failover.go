package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chat/internal/lab/world"
)

// failoverRows replace a master by its replica, with and without losing what it held.
func failoverRows() []Row {
	both := []world.RedisKind{world.Cluster, world.Sentinel}
	var rows []Row
	for _, r := range []struct {
		name  string
		kinds []world.RedisKind
		fault func(context.Context, *World) error
	}{
		{"master-killed", both, killMaster},
		{"failover-loses-the-tail", both, func(ctx context.Context, w *World) error { return w.loseTail(ctx, nil) }},
		{"failover-loses-the-tail-and-workers", both, func(ctx context.Context, w *World) error { return w.loseTail(ctx, w.Worker) }},
		{"old-master-returns", both, oldMasterReturns},
		{"masters-replaced-by-hand", both[:1], replaceMasters},
		{"master-separated", both[:1], separateMaster},
		{"master-unreachable", both[:1], unreachableMaster},
		{"two-masters", both[1:], twoMasters},
		{"two-masters-for-some", both[1:], twoMastersForSome},
		{"no-sentinels", both[1:], noSentinels},
	} {
		for _, kind := range r.kinds {
			core := kind == world.Cluster && r.name == "failover-loses-the-tail"
			row := on(kind, redisRow(r.name, core, r.fault))
			if strings.HasSuffix(r.name, "-workers") {
				row = twice(row)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// masterWithLists picks a master that has live lists.
func (w *World) masterWithLists(ctx context.Context) (*world.RedisServer, error) {
	masters, err := w.Redis.Masters(ctx)
	if err != nil {
		return nil, err
	}
	var busy []*world.RedisServer
	for _, m := range masters {
		lists, err := m.Admin.Keys(ctx, w.names().Chunks("*")).Result()
		if err != nil {
			return nil, err
		}
		if len(lists) > 0 {
			busy = append(busy, m)
		}
	}
	if len(busy) == 0 {
		return nil, errors.New("no master has a list: this run proves nothing")
	}
	return busy[w.Chance.IntN(len(busy))], nil
}

// pair picks a master that has live lists, and its replica.
func (w *World) pair(ctx context.Context) (master, replica *world.RedisServer, err error) {
	if master, err = w.masterWithLists(ctx); err != nil {
		return nil, nil, err
	}
	replica, err = w.Redis.ReplicaOf(ctx, master)
	return master, replica, err
}

// promoted waits until a replica is a master, and all Sentinels, if there are some, name it. demand,
// unless it is nil, asks for that, again and again: the others may refuse their votes once.
func (w *World) promoted(ctx context.Context, replica *world.RedisServer, demand func() error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("the replica was not promoted within 30 s"))
	defer cancel()
	var demanded time.Time
	for {
		is, err := replica.IsMaster(ctx)
		if is && err == nil {
			is, err = w.Redis.IsNamed(ctx, replica)
		} else if err == nil && demand != nil && time.Since(demanded) > 6*time.Second {
			demanded, err = time.Now(), demand()
		}
		if err != nil || is {
			return err
		}
		if err := world.Pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// afterPromotion waits until a replica is a master, checks that messages get answers, starts the
// old master again and waits until it is a replica.
func (w *World) afterPromotion(ctx context.Context, replica *world.RedisServer, back func() error) error {
	if err := w.promoted(ctx, replica, nil); err != nil {
		return err
	}
	if err := w.backToNormal(ctx, "a new master"); err != nil {
		return err
	}
	if err := errors.Join(world.Pause(ctx, w.Chance.Between(0, 2*time.Second)), back()); err != nil {
		return err
	}
	return w.Redis.Ready(ctx)
}

func killMaster(ctx context.Context, w *World) error {
	master, replica, err := w.pair(ctx)
	if err != nil {
		return err
	}
	if err := master.Kill(); err != nil {
		return err
	}
	return w.afterPromotion(ctx, replica, func() error { return master.Start(ctx) })
}

// loseTail stops the replication before the master is killed, so that the replica lacks the ends
// of lists that readers have seen. Some workers, who know the ends, die with the master.
func (w *World) loseTail(ctx context.Context, workers []*world.Node) error {
	master, replica, err := w.pair(ctx)
	if err != nil {
		return err
	}
	if err := stopReplication(ctx, master, replica); err != nil {
		return err
	}
	if err := world.Pause(ctx, w.Chance.Between(300*time.Millisecond, 1500*time.Millisecond)); err != nil {
		return err
	}
	shorter, err := w.shorter(ctx, master, replica)
	if err != nil {
		return err
	}
	err = master.Kill()
	for _, n := range workers {
		err = errors.Join(err, n.Kill())
	}
	if err != nil {
		return err
	}
	if shorter == 0 {
		return errors.New("the replica lacked nothing: this run proves nothing")
	}
	w.History.Note(fmt.Sprintf("the new master lacks the ends of %d lists", shorter))
	if err := w.startAll(ctx, workers, w.Chance.Between(0, 4*time.Second)); err != nil {
		return err
	}
	return w.afterPromotion(ctx, replica, func() error {
		return errors.Join(startReplication(ctx, replica), master.Start(ctx))
	})
}

// stopReplication makes a replica log in to its master with a password that the master refuses,
// and cuts the connection. The replica can still be promoted.
func stopReplication(ctx context.Context, master, replica *world.RedisServer) error {
	return errors.Join(replica.Admin.ConfigSet(ctx, "masterauth", "unknown").Err(),
		master.Admin.ClientKillByFilter(ctx, "TYPE", "replica").Err())
}

// startReplication undoes stopReplication.
func startReplication(ctx context.Context, replica *world.RedisServer) error {
	return replica.Admin.ConfigSet(ctx, "masterauth", "").Err()
}

// shorter returns how many lists have fewer entries at the replica than at the master.
func (w *World) shorter(ctx context.Context, master, replica *world.RedisServer) (n int, err error) {
	lists, err := master.Admin.Keys(ctx, w.names().Chunks("*")).Result()
	if err != nil {
		return 0, err
	}
	reader := replica.Admin.Conn()
	defer func() { err = errors.Join(err, reader.Close()) }()
	if w.RedisKind == world.Cluster {
		if err := reader.ReadOnly(ctx).Err(); err != nil {
			return 0, err
		}
	}
	for _, list := range lists {
		has, err := reader.LLen(ctx, list).Result()
		if err != nil {
			return 0, err
		}
		should, err := master.Admin.LLen(ctx, list).Result()
		if err != nil {
			return 0, err
		}
		if has < should {
			n++
		}
	}
	return n, nil
}

// oldMasterReturns freezes a master until its replica has replaced it. When it continues, it
// first does what its clients had sent, and believes that it is the master.
func oldMasterReturns(ctx context.Context, w *World) error {
	master, replica, err := w.pair(ctx)
	if err != nil {
		return err
	}
	if err := master.Pause(); err != nil {
		return err
	}
	return w.afterPromotion(ctx, replica, master.Resume)
}

// replaceMasters makes one replica after the other the master, as before an upgrade of a server.
func replaceMasters(ctx context.Context, w *World) error {
	for range 3 {
		_, replica, err := w.pair(ctx)
		if err != nil {
			return err
		}
		demand := func() error { return replica.Admin.ClusterFailover(ctx).Err() }
		if err := errors.Join(w.promoted(ctx, replica, demand), w.Redis.Ready(ctx), world.Pause(ctx, w.Chance.Between(0, time.Second))); err != nil {
			return err
		}
	}
	return nil
}

// separateMaster cuts a master off from all other nodes, its replica too, while clients reach all
// of them: it takes writes that its replica, which replaces it, never gets.
func separateMaster(ctx context.Context, w *World) error {
	master, replica, err := w.pair(ctx)
	if err != nil {
		return err
	}
	w.Redis.Separate(master)
	if err := stopReplication(ctx, master, replica); err != nil {
		return err
	}
	return w.afterPromotion(ctx, replica, func() error {
		w.Redis.Join()
		return startReplication(ctx, replica)
	})
}

// unreachableMaster lets everything sent to one master disappear for ten seconds; the other nodes
// do not notice.
func unreachableMaster(ctx context.Context, w *World) error {
	master, err := w.masterWithLists(ctx)
	if err != nil {
		return err
	}
	one := func(*World) []*world.Edge { return []*world.Edge{master.Edge} }
	if err := w.during(ctx, 10*time.Second, one, func(e *world.Edge) error {
		return errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient))
	}); err != nil {
		return err
	}
	return w.backToNormal(ctx, "a master")
}

// twoMastersForSome is twoMasters, and an API and a worker do not hear of it for some seconds: they
// use the old master while the others use the new one.
func twoMastersForSome(ctx context.Context, w *World) error {
	deaf := func(w *World) []*world.Edge {
		return append(slices.Clone(w.API[0].Sentinels), w.Worker[0].Sentinels...)
	}
	if err := w.each(deaf, func(e *world.Edge) error {
		return errors.Join(e.Swallow(world.ToServer), e.Swallow(world.ToClient))
	}); err != nil {
		return err
	}
	if err := w.replaceWorkingMaster(ctx); err != nil {
		return err
	}
	if err := errors.Join(world.Pause(ctx, w.Chance.Between(3*time.Second, 6*time.Second)), w.each(deaf, (*world.Edge).Mend), w.Redis.Ready(ctx)); err != nil {
		return err
	}
	return w.backToNormal(ctx, "the Sentinels")
}

// twoMasters lets the Sentinels replace a master that goes on: for some seconds both take writes.
func twoMasters(ctx context.Context, w *World) error {
	if err := w.replaceWorkingMaster(ctx); err != nil {
		return err
	}
	return errors.Join(w.backToNormal(ctx, "a new master"), w.Redis.Ready(ctx))
}

// replaceWorkingMaster lets the Sentinels promote the replica, and checks that the old master still
// believes that it is one.
func (w *World) replaceWorkingMaster(ctx context.Context) error {
	master, replica, err := w.pair(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(w.Redis.ReplaceMaster(ctx), w.promoted(ctx, replica, nil)); err != nil {
		return err
	}
	still, err := master.IsMaster(ctx)
	if err == nil && !still {
		err = errors.New("the old master was no master any more: this run proves nothing")
	}
	return err
}

// noSentinels ends all Sentinels, cuts what is connected, and starts them again: without one of
// them nobody knows which server is the master.
func noSentinels(ctx context.Context, w *World) error {
	sentinels := w.Redis.Sentinels()
	var err error
	for _, s := range sentinels {
		err = errors.Join(err, s.Kill())
	}
	if err := errors.Join(err, world.Pause(ctx, w.Chance.Between(0, 2*time.Second)),
		w.each(redisEdges, func(e *world.Edge) error { return e.Reset() }), world.Pause(ctx, w.Chance.Between(time.Second, 5*time.Second))); err != nil {
		return err
	}
	for _, s := range sentinels {
		err = errors.Join(err, s.Start(ctx))
	}
	return errors.Join(err, w.backToNormal(ctx, "the Sentinels"))
}
