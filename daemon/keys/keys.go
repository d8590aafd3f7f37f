// Package keys builds every Redis key and channel name of chat. An operator's
// redis-cli finds a task's stream by these names; nothing else builds one.
package keys

import "chat"

// Names builds key names. The zero value is the plain scheme.
type Names struct {
	// HashTags puts task ids in braces, so that the keys of one task share a
	// slot of Redis Cluster.
	HashTags bool
}

// Chunks is the list of a task's chunks, one JSON object an entry.
func (n Names) Chunks(taskID string) string { return n.stream(taskID) + ":chunks" }

// Packed is the string that a task's chunks become, compressed, when it has ended.
func (n Names) Packed(taskID string) string { return n.stream(taskID) + ":packed" }

// Channel is the pub/sub channel on which a task's chunks are announced.
func (n Names) Channel(taskID string) string { return n.stream(taskID) }

// Metadata is the hash that describes a task's stream.
func (n Names) Metadata(taskID string) string { return n.stream(taskID) + ":metadata" }

// Queue is the list of task ids that wakes a worker for tasks of priority p.
func (n Names) Queue(p chat.Priority) string {
	if n.HashTags {
		return "{queue}:" + string(p) // one blocking pop waits on all of them
	}
	return "queue:" + string(p)
}

// Control is the pub/sub channel of hints: a cancel was requested, a task ended.
func (n Names) Control() string { return "control" }

func (n Names) stream(taskID string) string {
	if n.HashTags {
		return "stream:{" + taskID + "}"
	}
	return "stream:" + taskID
}
