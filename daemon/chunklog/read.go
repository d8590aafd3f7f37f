package chunklog

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/redis/go-redis/v9"

	"chat"
)

// Read returns the answer of the newest attempt in the log of a task.
func (l *Log) Read(ctx context.Context, taskID string) (chat.Answer, error) {
	_, chunks, err := l.readAll(ctx, taskID)
	if err != nil {
		return chat.Answer{}, err
	}
	return l.answerOf(ctx, taskID, chunks)
}

// cancelled is the finish reason of a cancelled task, whose answer is not complete.
const cancelled = "cancelled"

// answerOf returns the answer of the newest attempt in chunks. It is complete if its
// writer sealed it as complete and the list still has all entries it had then.
func (l *Log) answerOf(ctx context.Context, taskID string, chunks []chat.EncodedChunk) (chat.Answer, error) {
	a, err := foldNewest(chunks)
	if err != nil {
		return a, err
	}
	m, err := l.metadata(ctx, taskID, metaAttempt, metaChunkCount, metaFinishReason, metaStatus)
	if err != nil {
		return a, err
	}
	a.FinishReason = m[2]
	status := chat.TaskState(m[3])
	complete := a.FinishReason != "" && a.FinishReason != cancelled && (status == chat.TaskRunning || status == chat.TaskDone)
	a.Complete = complete && m[0] == fmt.Sprint(a.Attempt) && m[1] == fmt.Sprint(len(chunks))
	return a, nil
}

// foldNewest folds the chunks of the newest attempt.
func foldNewest(chunks []chat.EncodedChunk) (chat.Answer, error) {
	var a chat.Answer
	for _, encoded := range chunks {
		c, err := encoded.Decode()
		if err != nil {
			return a, err
		}
		if c.Attempt != a.Attempt {
			a.Attempt, a.Parts = c.Attempt, nil
		}
		a.Parts.Apply(c)
	}
	return a, nil
}

// metadata returns fields of a stream's metadata; a missing field is "". It does not use
// HMGET, because operators would have to allow one more command.
func (l *Log) metadata(ctx context.Context, taskID string, fields ...string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	cmds, err := l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for _, f := range fields {
			p.HGet(ctx, l.opts.names.Metadata(taskID), f)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	values := make([]string, len(fields))
	for i, cmd := range cmds {
		values[i] = cmd.(*redis.StringCmd).Val() //nolint:errcheck // made above
	}
	return values, nil
}

// readAll returns all valid entries of a list, packed or not: as they are in the list,
// and parsed.
func (l *Log) readAll(ctx context.Context, taskID string) ([]string, []chat.EncodedChunk, error) {
	raw, err := l.readFrom(ctx, taskID, 0, math.MaxInt32)
	if err == nil && len(raw) == 0 {
		raw, err = l.unpack(ctx, taskID)
	}
	if err != nil {
		return nil, nil, err
	}
	chunks := valid(raw, 0)
	return raw[:len(chunks)], chunks, nil
}

// readFrom returns at most n entries of an unpacked list, from index on.
func (l *Log) readFrom(ctx context.Context, taskID string, index, n int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.LRange(ctx, l.opts.names.Chunks(taskID), int64(index), int64(index+n-1)).Result()
}

// last returns the length and the last entry of an unpacked list; 0 and "" if there is
// none.
func (l *Log) last(ctx context.Context, taskID string) (length int, entry string, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	key := l.opts.names.Chunks(taskID)
	var n *redis.IntCmd
	var end *redis.StringSliceCmd
	_, err = l.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		n, end = p.LLen(ctx, key), p.LRange(ctx, key, -1, -1)
		return nil
	})
	if err != nil || len(end.Val()) == 0 {
		return 0, "", err
	}
	return int(n.Val()), end.Val()[0], nil
}
