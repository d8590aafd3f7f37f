// Package crash names the places where a process may die, for tests that let it
// die there. In a normal build Here does nothing and costs nothing; with
// -tags crashpoints the environment variable CHATD_CRASH says what happens:
//
//	CHATD_CRASH=worker-before-commit         kill -9 at the first pass
//	CHATD_CRASH=worker-before-commit:3       at the third
//	CHATD_CRASH=worker-before-commit:1:panic a panic instead
//	CHATD_CRASH=worker-before-commit:1:stop  SIGSTOP instead
package crash

// Point is a place in the program.
type Point string

// The points, in the order in which a message passes them. Each is used at
// exactly one place, and the fault lab has a row for each.
const (
	APIBeforeCommit       Point = "api-before-commit"        // nothing of the message is stored
	APIAfterCommit        Point = "api-after-commit"         // stored, and no worker was woken
	APIBeforeReply        Point = "api-before-reply"         // the sender does not know
	WorkerAfterClaim      Point = "worker-after-claim"       // the attempt is counted
	WorkerBeforeStream    Point = "worker-before-stream"     // the provider was not called
	WorkerMidAnswer       Point = "worker-mid-answer"        // a token was received, and not added
	WorkerAfterLastToken  Point = "worker-after-last-token"  // received whole, not settled
	WorkerBeforeCommit    Point = "worker-before-commit"     // settled in the log, not in SQL
	WorkerAfterCommit     Point = "worker-after-commit"      // in SQL, no terminal chunk
	WorkerBeforeHandback  Point = "worker-before-handback"   // a retry is due, and nobody knows
	WorkerAfterHandback   Point = "worker-after-handback"    // queued again, no wake-up
	LogBeforeAppend       Point = "log-before-append"        // received, not in the list
	LogAfterAppend        Point = "log-after-append"         // in the list, and we do not know
	SweeperBeforeLastRite Point = "sweeper-before-last-rite" // a lost task is about to be ended
)

// Points are all of them.
func Points() []Point {
	return []Point{
		APIBeforeCommit, APIAfterCommit, APIBeforeReply,
		WorkerAfterClaim, WorkerBeforeStream, WorkerMidAnswer, WorkerAfterLastToken, WorkerBeforeCommit, WorkerAfterCommit,
		WorkerBeforeHandback, WorkerAfterHandback, LogBeforeAppend, LogAfterAppend, SweeperBeforeLastRite,
	}
}
