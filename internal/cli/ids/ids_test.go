package ids

import (
	"testing"
)

func TestLooksLikeID(t *testing.T) {
	for s, want := range map[string]bool{
		"last": true, "7f3a": true, "7F3A": true, "0199-aa": true, "abc": true, "xyz": false, "": false, "hello": false,
		"01a2067d-838a-7ef8-9abd-0f4bf7873c56": true, "01a2067d-838a-7ef8-9abd-0f4bf7873c567": false,
	} {
		if got := looksLikeID(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
