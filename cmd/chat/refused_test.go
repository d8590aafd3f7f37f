package main

import (
	"errors"
	"testing"

	"chat"
)

// What was certainly not taken leaves no empty conversation behind; what may have
// been taken must.
func TestWhatWasRefusedForSure(t *testing.T) {
	for _, code := range []chat.Code{chat.CodeInvalid, chat.CodeTooLarge, chat.CodeUnauthorized, chat.CodeProviderModel} {
		if !refused(chat.Errorf(code, "no")) {
			t.Errorf("%s may have been accepted", code)
		}
	}
	for _, err := range []error{nil, errors.New("cut"), chat.Errorf(chat.CodeUnavailable, "x"), chat.Errorf(chat.CodeDaemon, "x"), chat.Errorf(chat.CodeInternal, "x")} {
		if refused(err) {
			t.Errorf("%v counts as refused", err)
		}
	}
}
