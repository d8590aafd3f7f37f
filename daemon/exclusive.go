package daemon

import "time"

// exclusive reports whether no other process can have the database open: it is the
// file next to the lock that a local daemon holds, and every earlier holder of a
// lease has ended.
func (c Config) exclusive() bool { return c.Local && c.DatabaseURL == "" }

// startGrace is the shortest time that a starting daemon leaves to the workers
// that hold leases: SQL may have been unreachable, and they renew within a second of its
// return.
const startGrace = 3 * time.Second

// grace is the time that a starting daemon leaves to the workers that hold leases.
// Each of them renews at least once in it, even if the database's clock was set.
func (d *daemon) grace() time.Duration {
	if d.cfg.exclusive() {
		return 0 // no other process holds a lease
	}
	return max(startGrace, d.cfg.Lease/3+time.Second)
}

// checkpoint is the interval at which an unfinished answer is saved in SQL; 0 means
// never. The embedded engine's list ends with the process, Redis keeps it.
func (d *daemon) checkpoint() time.Duration {
	if d.cfg.RedisURL != "" {
		return 0
	}
	return 2 * time.Second
}
