// Package keys builds every Redis key and channel name of chat. An operator's
// redis-cli finds a task's stream by these names; nothing else builds one.
package keys

import "chat"

// Names builds key names.
type Names struct{}

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
	return "queue:" + string(p)
}

// Control is the pub/sub channel of hints: a cancel was requested, a task ended.
func (n Names) Control() string { return "control" }

// Check is the key on which a process tries what Redis lets it do, and the channel on
// which it hears itself.
func (n Names) Check(id string) string { return n.stream("check-" + id) }

// CheckQueue is the name of a queue that no task is ever in.
func (Names) CheckQueue() string { return "queue:check" }

// Patterns are those of all keys, as an ACL names them.
func (Names) Patterns() []string { return []string{"stream:*", "queue:*"} }

// Channels are those of all channels, as an ACL names them.
func (n Names) Channels() []string { return []string{"stream:*", n.Control()} }

func (n Names) stream(taskID string) string {
	return "stream:" + taskID
}
