package chunklog

import (
	"context"
	"encoding/json"

	"chat"
)

// Publish sends an event to every process.
func (l *Log) Publish(ctx context.Context, e chat.TaskEvent) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.opts.Timeout)
	defer cancel()
	return l.rdb.Publish(ctx, l.opts.names.Control(), data).Err()
}

// OnEvent registers handle for the events of all processes, this one included. It must
// not block.
func (l *Log) OnEvent(handle func(chat.TaskEvent)) { l.subscription.OnEvent(handle) }

// Echo publishes messages and waits until they arrive, as the chunks of a stream must.
func (l *Log) Echo(ctx context.Context) error { return l.subscription.Echo(ctx) }
