package model

import (
	"context"
	"iter"

	"chat"
)

// Unusable is a provider that is configured and cannot be asked. It returns the reason to
// every call, so that its name leads nowhere else.
type Unusable struct {
	name string
	err  error
}

// NewUnusable returns an Unusable.
func NewUnusable(name string, err error) *Unusable { return &Unusable{name, err} }

// Name implements Provider.
func (u *Unusable) Name() string { return u.name }

// Stream implements Provider.
func (u *Unusable) Stream(context.Context, Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) { yield(Event{}, u.err) }
}

// Models implements Provider.
func (u *Unusable) Models(context.Context) (List, error) { return List{}, u.err }

// DefaultModel implements Provider.
func (u *Unusable) DefaultModel() string { return "" }

// Uses implements Provider.
func (u *Unusable) Uses(Credentials) bool { return false }

// Check implements Provider.
func (u *Unusable) Check(context.Context, bool) Check {
	return Check{Provider: u.name, Outcome: chat.AsError(u.err)}
}
