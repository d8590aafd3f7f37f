package embedded

import (
	"reflect"
	"unsafe"

	"github.com/alicebob/miniredis/v2"
)

// sweeper removes the version numbers of deleted keys. miniredis keeps them forever, for
// WATCH: some 300 bytes for each key, which is a leak in a daemon that runs for months.
type sweeper struct {
	// gone are the names without a key at the last sweep. A name that is still without one
	// at the next sweep is removed: no transaction that watches it stays open that long.
	gone map[string]struct{}
}

// sweep removes names without a key and returns their number. miniredis has no function
// for that, so sweep accesses two of its maps by name, under miniredis' own lock. It does
// nothing if another version of miniredis does not have them.
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
	removed := 0
	gone := make(map[string]struct{})
	for name := range versions {
		if _, alive := keys[name]; alive {
			continue
		}
		if _, before := s.gone[name]; before {
			delete(versions, name)
			removed++
			continue
		}
		gone[name] = struct{}{}
	}
	s.gone = gone
	return removed
}

// mapField returns the value of an unexported field, if it exists and is a T.
func mapField[T any](v reflect.Value, name string) (T, bool) {
	var zero T
	f := v.FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return zero, false
	}
	return *(*T)(unsafe.Pointer(f.UnsafeAddr())), true //nolint:gosec // G103: the type was checked on the line above
}
