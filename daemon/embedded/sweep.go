package embedded

import (
	"reflect"
	"unsafe"

	"github.com/alicebob/miniredis/v2"
)

// sweeper removes what keys leave behind in miniredis when they go: a version
// number under their name, some 300 bytes each, kept for ever for the sake of
// WATCH. In a daemon that runs for months that is a leak.
type sweeper struct {
	// gone are the names that had no key at the last sweep. One that has none at
	// the next sweep either is forgotten: a transaction that watches it would
	// have had to be open all the time between two sweeps.
	gone map[string]struct{}
}

// sweep forgets dead names and returns how many. miniredis offers no way to do
// that, so it reaches for two of its maps by name, under miniredis' own lock. If
// another version of miniredis has no such maps, nothing is done.
func (s *sweeper) sweep(engine *miniredis.Miniredis) int {
	db := reflect.ValueOf(engine.DB(0)).Elem()
	engine.Lock()
	defer engine.Unlock()
	versions, ok := mapField[map[string]uint](db, "keyVersion")
	if !ok {
		return 0
	}
	keys, ok := mapField[map[string]string](db, "keys")
	if !ok {
		return 0
	}
	forgotten := 0
	gone := make(map[string]struct{})
	for name := range versions {
		if _, alive := keys[name]; alive {
			continue
		}
		if _, before := s.gone[name]; before {
			delete(versions, name)
			forgotten++
			continue
		}
		gone[name] = struct{}{}
	}
	s.gone = gone
	return forgotten
}

// mapField is the value of an unexported field, if it exists and is a T.
func mapField[T any](v reflect.Value, name string) (T, bool) {
	var zero T
	f := v.FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return zero, false
	}
	return *(*T)(unsafe.Pointer(f.UnsafeAddr())), true //nolint:gosec // G103: the type was checked on the line above
}
