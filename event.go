package chat

// TaskEvent announces a change of a task to every process. An event may be lost: a
// receiver also reads the state from SQL every few seconds.
type TaskEvent struct {
	Type   TaskEventType `json:"type"`
	TaskID string        `json:"task_id"`
}

// TaskEventType says what happened. A receiver ignores types that it does not know.
type TaskEventType string

// The types of events.
const (
	EventCancel TaskEventType = "cancel" // a running task was asked to stop
	EventEnded  TaskEventType = "ended"  // a task ended, perhaps without a terminal chunk
	EventCheck  TaskEventType = "check"  // no change: a process tests whether it may publish
)
