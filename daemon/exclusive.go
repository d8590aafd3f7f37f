package daemon

import "time"

// ownsRecord reports whether nobody else can have the database open: it is the
// file beside the lock that a local daemon holds, and whoever had a lease is dead.
func (c Config) ownsRecord() bool { return c.Local && c.DatabaseURL == "" }

// startGrace is the least that a daemon that starts leaves to the owners of leases:
// it may be SQL that was away, and they renew within a second of its return.
const startGrace = 3 * time.Second

// grace is what a daemon leaves to the owners of leases when it starts. They have
// all renewed once in that time, by a clock of the database that may have been set.
func (d *daemon) grace() time.Duration {
	if d.cfg.ownsRecord() {
		return 0 // there is no other owner
	}
	return max(startGrace, d.cfg.Lease/3+time.Second)
}

// checkpoint is how often an answer on its way is saved in SQL: the embedded
// engine's list dies with the process, a Redis keeps it.
func (d *daemon) checkpoint() time.Duration {
	if d.cfg.RedisURL != "" {
		return 0
	}
	return 2 * time.Second
}
