// Package spelling finds the name that a misspelled word means.
package spelling

import (
	"github.com/xrash/smetrics"
)

// Nearest returns the name that differs from word by one slip, else the name with the
// smallest edit distance of at most a third of its length, or "".
func Nearest(names []string, word string) string {
	for _, name := range names {
		if len(name) > 2 && OneSlip(word, name) {
			return name
		}
	}
	best, at := "", 0
	for _, name := range names {
		if d := smetrics.WagnerFischer(word, name, 1, 1, 1); d <= len(name)/3 && (best == "" || d < at) {
			best, at = name, d
		}
	}
	return best
}

// OneSlip reports whether a and b differ by one inserted, deleted or replaced letter, or
// by two swapped neighbours.
func OneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch len(b) - len(a) {
	case 0:
		if i == len(a) {
			return false // the same
		}
		swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		return swapped || a[i+1:] == b[i+1:]
	case 1:
		return a[i:] == b[i+1:]
	}
	return false
}
