//go:build !crashpoints

package crash

// Here marks the place p.
func Here(Point) {}
