//go:build !crashpoints

package crash

// Here marks the point p.
func Here(Point) {}
