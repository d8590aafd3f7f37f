// Package crash names the points at which tests can make a process crash. In a
// normal build Here does nothing and costs nothing. With -tags crashpoints the
// environment variable CHATD_CRASH selects the point and the kind of crash:
//
//	CHATD_CRASH=worker-before-commit         kill -9 at the first pass
//	CHATD_CRASH=worker-before-commit:3       at the third
//	CHATD_CRASH=worker-before-commit:1:panic a panic instead
//	CHATD_CRASH=worker-before-commit:1:stop  SIGSTOP instead
package crash

// Point is a point in the program.
type Point string

// The points, in the order in which a message passes them. Each is used exactly
// once, and the fault lab has a row for each.
const (
	APIBeforeCommit      Point = "api-before-commit"       // nothing of the message is stored
	APIAfterCommit       Point = "api-after-commit"        // stored, and no worker was woken
	APIBeforeReply       Point = "api-before-reply"        // the sender does not know
	WorkerAfterClaim     Point = "worker-after-claim"      // the attempt is counted
	WorkerBeforeStream   Point = "worker-before-stream"    // the provider was not called
	WorkerMidAnswer      Point = "worker-mid-answer"       // a token was received, and not added
	WorkerAfterLastToken Point = "worker-after-last-token" // received completely, not settled
	WorkerBeforeSwitch   Point = "worker-before-switch"    // a model did not answer, and the other is not stored
	WorkerAfterSwitch    Point = "worker-after-switch"     // the other model is stored, and was not asked
	WorkerBeforeRepair   Point = "worker-before-repair"    // does not match its schema, not asked for again
	WorkerBeforeCommit   Point = "worker-before-commit"    // settled in the log, not in SQL
	WorkerAfterCommit    Point = "worker-after-commit"     // in SQL, no terminal chunk
	WorkerBeforeRelease  Point = "worker-before-release"   // a retry is due, and not stored
	WorkerAfterRelease   Point = "worker-after-release"    // queued again, no wake-up
	LogBeforeAppend      Point = "log-before-append"       // received, not in the list
	LogAfterAppend       Point = "log-after-append"        // in the list, and the reply is lost
	SweeperBeforeEnd     Point = "sweeper-before-end"      // a lost task is about to be ended
)

// Points returns all points.
func Points() []Point {
	return []Point{
		APIBeforeCommit, APIAfterCommit, APIBeforeReply,
		WorkerAfterClaim, WorkerBeforeStream, WorkerMidAnswer, WorkerBeforeSwitch, WorkerAfterSwitch, WorkerAfterLastToken, WorkerBeforeRepair, WorkerBeforeCommit, WorkerAfterCommit,
		WorkerBeforeRelease, WorkerAfterRelease, LogBeforeAppend, LogAfterAppend, SweeperBeforeEnd,
	}
}
