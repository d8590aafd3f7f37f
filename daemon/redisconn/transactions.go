package redisconn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Transaction is a MULTI: commands whose keys and channels all have one hash slot.
type Transaction interface {
	Key() string                                  // one of the keys
	Queue(ctx context.Context, p redis.Pipeliner) // adds the commands to p, each time it is called
	// SetErr is called unless all commands have replies: with why they have none, or with the
	// errors of single ones. redis.Nil is a reply and not an error.
	SetErr(err error)
}

// Exec makes many transactions at once. A single server makes all of them as one. In a Cluster
// each server gets its own in one pipeline. Exec returns an error if no server replied.
func Exec[T Transaction](ctx context.Context, c *Client, all []T) error {
	if c.cluster != nil {
		return execOnCluster(ctx, c.cluster, all)
	}
	pipe := c.TxPipeline()
	ends := make([]int, len(all)) // of each one's commands
	for i, t := range all {
		t.Queue(ctx, pipe)
		ends[i] = pipe.Len()
	}
	cmds, err := pipe.Exec(ctx)
	if err == nil {
		return nil
	}
	_, replied := errors.AsType[redis.Error](err) // errors of single commands
	begin := 0
	for i, t := range all {
		failed := errorsOf(cmds[begin:ends[i]])
		if failed == nil && !replied {
			failed = err
		}
		if failed != nil {
			t.SetErr(failed)
		}
		begin = ends[i]
	}
	if replied {
		return nil
	}
	return err
}

// errorsOf joins the errors of commands.
func errorsOf(cmds []redis.Cmder) (all error) {
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// execOnCluster sends each server its transactions.
func execOnCluster[T Transaction](ctx context.Context, cluster *redis.ClusterClient, all []T) (err error) {
	byServer := map[*redis.Client][]T{}
	for _, t := range all {
		server, missing := cluster.MasterForKey(ctx, t.Key())
		if missing != nil {
			t.SetErr(missing)
			err = missing
			continue
		}
		byServer[server] = append(byServer[server], t)
	}
	var servers sync.WaitGroup
	failures := make(chan error, len(byServer))
	for server, some := range byServer {
		servers.Go(func() { failures <- execOn(ctx, cluster, server, some) })
	}
	servers.Wait()
	close(failures)
	for failed := range failures {
		if failed == nil {
			return nil
		}
		err = failed
	}
	return err
}

// execOn makes transactions on one server, in one pipeline. Those whose slot is on another
// server, or on its way there, are made one by one, as redirected.
func execOn[T Transaction](ctx context.Context, cluster *redis.ClusterClient, server *redis.Client, all []T) error {
	pipe := server.Pipeline()
	sent := make([]sentTransaction, len(all))
	for i, t := range all {
		sent[i] = send(ctx, server, pipe, t)
	}
	_, err := pipe.Exec(ctx)
	if _, replied := errors.AsType[redis.Error](err); err != nil && !replied {
		for _, t := range all {
			t.SetErr(err)
		}
		return err
	}
	for i, t := range all {
		err := sent[i].replies()
		if isRedirect(err) {
			err = follow(ctx, cluster, t)
		}
		if err != nil {
			t.SetErr(err)
		}
	}
	return nil
}

// sentTransaction is a transaction within a pipeline. go-redis has a pipeline or a transaction,
// and no pipeline of transactions.
type sentTransaction struct {
	commands []redis.Cmder // that get the replies
	queued   []*redis.Cmd  // to which Redis replies that they are queued
	exec     *redis.SliceCmd
}

func send(ctx context.Context, server *redis.Client, pipe redis.Pipeliner, t Transaction) (s sentTransaction) {
	own := server.Pipeline()
	t.Queue(ctx, own)
	s.commands = own.Cmds()
	pipe.Do(ctx, "multi")
	for _, cmd := range s.commands {
		s.queued = append(s.queued, pipe.Do(ctx, cmd.Args()...))
	}
	s.exec = redis.NewSliceCmd(ctx, "exec")
	_ = pipe.Process(ctx, s.exec) // only queues it
	return s
}

// replies gives each command its reply. It returns why a command was refused, or the errors of
// single ones.
func (s *sentTransaction) replies() error {
	for _, cmd := range s.queued {
		if err := cmd.Err(); err != nil {
			return err
		}
	}
	values, err := s.exec.Result()
	switch {
	case err != nil:
		return err
	case len(values) != len(s.commands):
		return fmt.Errorf("redis: %d replies to the %d commands of a transaction", len(values), len(s.commands))
	}
	for i, cmd := range s.commands {
		setReply(cmd, values[i])
	}
	return errorsOf(s.commands)
}

// isRedirect reports whether a transaction was refused because another server has, or will
// have, its slot.
func isRedirect(err error) bool {
	if err == nil {
		return false
	}
	switch word, _, _ := strings.Cut(err.Error(), " "); word {
	case "MOVED", "ASK", "TRYAGAIN":
		return true
	}
	return false
}

// follow makes a transaction wherever its slot is.
func follow(ctx context.Context, cluster *redis.ClusterClient, t Transaction) error {
	pipe := cluster.TxPipeline()
	t.Queue(ctx, pipe)
	commands, err := pipe.Exec(ctx)
	if _, replied := errors.AsType[redis.Error](err); err == nil || replied {
		return errorsOf(commands)
	}
	return err
}

// setReply sets the reply to a command that was sent in a transaction.
func setReply(cmd redis.Cmder, value any) {
	switch v := value.(type) {
	case nil:
		cmd.SetErr(redis.Nil)
		return
	case error:
		cmd.SetErr(v)
		return
	case int64:
		switch cmd := cmd.(type) {
		case *redis.IntCmd:
			cmd.SetVal(v)
			return
		case *redis.BoolCmd:
			cmd.SetVal(v == 1)
			return
		case *redis.DurationCmd:
			cmd.SetVal(time.Duration(v) * time.Millisecond)
			return
		}
	case string:
		switch cmd := cmd.(type) {
		case *redis.StringCmd:
			cmd.SetVal(v)
			return
		case *redis.StatusCmd:
			cmd.SetVal(v)
			return
		}
	}
	cmd.SetErr(fmt.Errorf("redis: the reply to %s is a %T", cmd.Name(), value))
}
