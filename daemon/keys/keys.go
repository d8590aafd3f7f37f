// Package keys builds the names of all Redis keys and channels. They are documented in
// docs/protocol.md, for operators who use redis-cli.
package keys

import "chat"

// Names builds names.
type Names struct {
	// Tagged says that names have hash tags, so that the keys of one stream have one slot of a
	// Cluster, and so do all queues.
	Tagged bool
}

// Chunks names the list of a task's chunks, one JSON object an entry.
func (n Names) Chunks(taskID string) string { return n.stream(taskID) + ":chunks" }

// Packed names the string with the compressed chunks of a task that has ended.
func (n Names) Packed(taskID string) string { return n.stream(taskID) + ":packed" }

// Channel names the pub/sub channel on which a task's chunks are published.
func (n Names) Channel(taskID string) string { return n.stream(taskID) }

// Metadata names the hash that describes a task's stream.
func (n Names) Metadata(taskID string) string { return n.stream(taskID) + ":metadata" }

// Queue names the list of wake-ups for tasks of priority p.
func (n Names) Queue(p chat.Priority) string {
	return n.queue() + ":" + string(p)
}

// Limit names the string with what is known of the rate limits of a bucket.
func (n Names) Limit(bucket string) string { return "limit:" + bucket }

// Control names the pub/sub channel of task events.
func (n Names) Control() string { return "control" }

// Check names the key on which a process tests its permissions, and the channel on which
// it receives its own messages.
func (n Names) Check(id string) string { return n.stream("check-" + id) }

// CheckQueue names a list of wake-ups that is never used.
func (n Names) CheckQueue() string { return n.queue() + ":check" }

// Patterns returns the patterns of all keys, as in a Redis ACL.
func (n Names) Patterns() []string { return []string{"stream:*", n.queue() + ":*", "limit:*"} }

// Channels returns the patterns of all channels, as in a Redis ACL.
func (n Names) Channels() []string { return []string{"stream:*", n.Control()} }

func (n Names) stream(taskID string) string {
	if n.Tagged {
		return "stream:{" + taskID + "}"
	}
	return "stream:" + taskID
}

func (n Names) queue() string {
	if n.Tagged {
		return "{queue}"
	}
	return "queue"
}
