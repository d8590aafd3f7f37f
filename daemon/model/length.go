package model

import "errors"

// Length is what a provider said when it refused a conversation because of its length, in
// tokens; 0 for what it did not say.
type Length struct{ Used, Window int }

// RefusedLength returns what the error of a provider says about lengths.
func RefusedLength(err error) Length {
	var says interface{ Lengths() (used, limit int) }
	if !errors.As(err, &says) {
		return Length{}
	}
	used, limit := says.Lengths()
	return Length{used, limit}
}
