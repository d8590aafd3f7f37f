package faults

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"chat"
	"chat/internal/lab/load"
	"chat/internal/lab/world"
)

// clusterRows move slots between the masters of a Cluster.
func clusterRows() []Row {
	moved := on(world.Cluster, redisRow("slots-move", true, moveLive))
	added := on(world.Cluster, redisRow("node-added", false, addNode))
	added.Load = func(l *load.Load) { l.Asks = 100 }
	rows := []Row{moved, added}
	for i := range rows { // no failover, however busy the machine is
		rows[i].Setup = func(w *World) { w.RedisArgs = []string{"--cluster-node-timeout", "15000"} }
	}
	return rows
}

// moveLive moves the slots of live lists and of the queues, one after the other.
func moveLive(ctx context.Context, w *World) error {
	masters, err := w.Redis.Masters(ctx)
	if err != nil {
		return err
	}
	before, err := w.redirections(ctx, "ASK", "MOVED")
	if err != nil {
		return err
	}
	for i := range 8 {
		key := w.names().Queue(chat.PriorityNormal)
		if i%4 != 0 {
			names, err := w.live(ctx)
			if err != nil || len(names) == 0 {
				return errors.Join(err, errors.New("no list is live"))
			}
			key = names[w.Chance.IntN(len(names))]
		}
		slot, err := masters[0].Admin.ClusterKeySlot(ctx, key).Result()
		if err != nil {
			return err
		}
		from, err := w.ownerOf(ctx, key)
		if err != nil {
			return err
		}
		to := masters[w.Chance.IntN(len(masters))]
		if to == from {
			continue
		}
		if err := w.moveSlots(ctx, []int{int(slot)}, from, to); err != nil {
			return err
		}
	}
	after, err := w.redirections(ctx, "ASK", "MOVED")
	if err != nil {
		return err
	}
	w.History.Note(fmt.Sprintf("redirections: %d ASK, %d MOVED", after[0]-before[0], after[1]-before[1]))
	if after[0] == before[0] || after[1] == before[1] {
		return errors.New("nothing was redirected: this run proves nothing")
	}
	return nil
}

// addNode adds a master and gives it a quarter of all slots, and waits until clients know it.
func addNode(ctx context.Context, w *World) error {
	masters, err := w.Redis.Masters(ctx)
	if err != nil {
		return err
	}
	node, err := w.Redis.AddNode(ctx)
	if err != nil {
		return err
	}
	const slots = 16384
	for i, from := range masters { // the first quarter of what each has
		var some []int
		for slot := i * slots / len(masters); slot < i*slots/len(masters)+slots/4/len(masters); slot++ {
			some = append(some, slot)
		}
		if err := w.moveSlots(ctx, some, from, node); err != nil {
			return err
		}
	}
	return w.known(ctx, node)
}

// known waits until clients append to lists on a node without being redirected to it.
func (w *World) known(ctx context.Context, node *world.RedisServer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("clients do not know the new node after 20 s"))
	defer cancel()
	for {
		before, err := w.redirections(ctx, "MOVED")
		if err != nil {
			return err
		}
		appended, err := appends(ctx, node)
		if err != nil {
			return err
		}
		if err := world.Pause(ctx, time.Second); err != nil {
			return err
		}
		after, err := w.redirections(ctx, "MOVED")
		if err != nil {
			return err
		}
		later, err := appends(ctx, node)
		if err != nil {
			return err
		}
		if later > appended && after[0] == before[0] {
			return nil
		}
	}
}

// appends returns how many commands have appended to lists on a node.
func appends(ctx context.Context, node *world.RedisServer) (int, error) {
	info, err := node.Admin.Info(ctx, "commandstats").Result()
	return figure(info, "cmdstat_rpush:calls=") + figure(info, "cmdstat_rpushx:calls="), err
}

// redirections returns how often all servers together have replied with each of some errors.
func (w *World) redirections(ctx context.Context, words ...string) ([]int, error) {
	counts := make([]int, len(words))
	err := w.Redis.Each(func(s *world.RedisServer) error {
		info, err := s.Admin.Info(ctx, "errorstats").Result()
		for i, word := range words {
			counts[i] += figure(info, "errorstat_"+word+":count=")
		}
		return err
	})
	return counts, err
}

// figure is the number after a name in a reply to INFO; 0 if there is none.
func figure(info, name string) int {
	_, rest, _ := strings.Cut(info, name)
	digits := strings.TrimLeft(rest, "0123456789")
	n, _ := strconv.Atoi(rest[:len(rest)-len(digits)]) // nothing is 0
	return n
}

// ownerOf returns the master that has the slot of a key: the others redirect commands.
func (w *World) ownerOf(ctx context.Context, key string) (*world.RedisServer, error) {
	masters, err := w.Redis.Masters(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range masters {
		if m.Admin.Exists(ctx, key).Err() == nil {
			return m, nil
		}
	}
	return nil, fmt.Errorf("no server has the slot of %s", key)
}

// moveSlots moves slots and their keys from one master to another. Between two keys it waits, so
// that clients meet slots of which a part has moved.
func (w *World) moveSlots(ctx context.Context, slots []int, from, to *world.RedisServer) error {
	ids := map[*world.RedisServer]string{}
	for _, s := range []*world.RedisServer{from, to} {
		id, err := s.Admin.Do(ctx, "CLUSTER", "MYID").Text()
		if err != nil {
			return err
		}
		ids[s] = id
	}
	if err := errors.Join(setSlots(ctx, to, slots, "IMPORTING", ids[from]), setSlots(ctx, from, slots, "MIGRATING", ids[to])); err != nil {
		return err
	}
	if err := w.moveKeys(ctx, slots, from, to); err != nil {
		return err
	}
	masters, err := w.Redis.Masters(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(setSlots(ctx, to, slots, "NODE", ids[to]), setSlots(ctx, from, slots, "NODE", ids[to]))
	for _, m := range masters {
		if err == nil && m != from && m != to {
			err = setSlots(ctx, m, slots, "NODE", ids[to])
		}
	}
	return err
}

// moveKeys moves the keys of slots, one by one.
func (w *World) moveKeys(ctx context.Context, slots []int, from, to *world.RedisServer) error {
	host, port, _ := strings.Cut(to.Addr(), ":")
	pipe := from.Admin.Pipeline()
	counts := make([]*redis.IntCmd, len(slots))
	for i, slot := range slots {
		counts[i] = pipe.ClusterCountKeysInSlot(ctx, slot)
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	for i, slot := range slots {
		if counts[i].Val() == 0 {
			continue
		}
		names, err := from.Admin.ClusterGetKeysInSlot(ctx, slot, 1000).Result()
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := from.Admin.Migrate(ctx, host, port, name, 0, 5*time.Second).Err(); err != nil {
				return err
			}
			if err := world.Pause(ctx, w.Chance.Between(0, 200*time.Millisecond)); err != nil {
				return err
			}
		}
	}
	return nil
}

// setSlots sends CLUSTER SETSLOT for each slot.
func setSlots(ctx context.Context, s *world.RedisServer, slots []int, state, id string) error {
	pipe := s.Admin.Pipeline()
	for _, slot := range slots {
		pipe.Do(ctx, "CLUSTER", "SETSLOT", slot, state, id)
	}
	_, err := pipe.Exec(ctx)
	return err
}
