package world

// Profile is a way to run chat.
type Profile string

// The profiles: one process on the embedded engines, or API and worker
// processes on Redis and PostgreSQL.
const (
	Embedded Profile = "embedded"
	Full     Profile = "full"
)

// Profiles are all of them.
func Profiles() []Profile { return []Profile{Embedded, Full} }
